"""Which alerts belong together, and why: pure, incremental, measured.

``signal`` is what is compared, ``topology`` what the catalogue knows, ``cooccurrence`` what was learned on the way;
``evidence`` names the factors, ``weights`` turns them into a confidence, ``correlator`` keeps the groups, ``cause``
ranks what may lie behind one.
"""
