"""Pages for people who follow a link: the ticket with its story."""
