"""The command line. Nothing heavy is imported before it is known what is asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer(
    name="deskbell", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
database = typer.Typer(no_args_is_help=True, help="Migrations of the database.")
app.add_typer(database, name="db")

Config = Annotated[Optional[Path], typer.Option("--config", help="The configuration; deskbell.yaml where it exists.")]  # noqa: UP045 -- read by typer


@app.command()
def serve(
    config: Config = None,
    host: Annotated[Optional[str], typer.Option(help="Address to listen on.")] = None,  # noqa: UP045
    port: Annotated[Optional[int], typer.Option(help="Port to listen on.", min=0, max=65535)] = None,  # noqa: UP045
    insecure_teams: Annotated[
        bool, typer.Option("--insecure-teams", help="Take Teams activities without a token, from this machine only.")
    ] = False,
) -> None:
    """Run the service; SIGTERM finishes what was begun and exits."""
    from bot.process import run_service

    raise typer.Exit(run_service(config, host, port, insecure_teams))


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8080,
) -> None:
    """Everything on embedded defaults: a data centre that fails, a local Slack and a local Teams to work in."""
    from bot.demo.run import run_demo

    raise typer.Exit(run_demo(port))


@app.command()
def check(
    config: Config = None,
    online: Annotated[bool, typer.Option("--online", help="Try the credentials and the addresses as well.")] = False,
) -> None:
    """Say what is wrong with the configuration, in which line, and how to mend it."""
    from bot.process import run_check

    raise typer.Exit(run_check(config, online))


@app.command()
def manifest(
    base_url: Annotated[Optional[str], typer.Option("--base-url", help="The public address of the service.")] = None,  # noqa: UP045
    config: Config = None,
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("manifest"),
) -> None:
    """Write the manifests of the Slack app and the Teams app."""
    from bot.manifests import write_manifests

    raise typer.Exit(write_manifests(config, base_url, output))


@app.command()
def replay(
    files: Annotated[list[Path], typer.Argument(help="Recorded deliveries, a JSON object a line.")],
    config: Config = None,
    against: Annotated[Optional[Path], typer.Option(help="Another configuration, to compare with.")] = None,  # noqa: UP045
    catalog: Annotated[Optional[Path], typer.Option(help="A service catalogue.")] = None,  # noqa: UP045
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send recorded deliveries through the real engine, on a scratch database and a simulated clock."""
    from bot.replay import run_replay

    raise typer.Exit(run_replay(files, config, against, catalog, as_json))


@app.command()
def connect(
    source: Annotated[str, typer.Argument(help="Name of a source: nagios, zabbix, grafana, ... or one of your own.")],
    config: Config = None,
    base_url: Annotated[Optional[str], typer.Option("--base-url", help="The public address of the service.")] = None,  # noqa: UP045
    output: Annotated[Optional[Path], typer.Option(help="Folder to write to, instead of printing.")] = None,  # noqa: UP045
    wait: Annotated[Optional[int], typer.Option(help="Seconds to wait for the first alert.", min=1)] = None,  # noqa: UP045
) -> None:
    """Print what a monitoring system has to be told so that its alerts arrive, with a fresh token."""
    from bot.connect.run import Wanted, run_connect

    raise typer.Exit(run_connect(config, Wanted(source, base_url, output, wait)))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration."""
    import json

    from core.config.check import schema as configuration_schema

    sys.stdout.write(json.dumps(configuration_schema(), indent=2, ensure_ascii=False) + "\n")


@database.command("upgrade")
def db_upgrade(config: Config = None) -> None:
    """Bring the database to the newest migration."""
    from bot.process import run_upgrade

    raise typer.Exit(run_upgrade(config))


@database.command("current")
def db_current(config: Config = None) -> None:
    """Print the migration that the database is at."""
    from bot.process import print_current

    raise typer.Exit(print_current(config))


def main() -> None:
    app()


if __name__ == "__main__":
    main()
