"""`tfproductgan audit`: whether the platform's audit log is as it was written, and what it holds."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfproductgan.errors import PlatformError, require

HELP = """\
Look through the audit log of the platform.

  tfproductgan audit verify                          find entries that were changed, removed or put elsewhere
  tfproductgan audit export > audit.jsonl            all entries as JSON lines

Who can write the database can write a whole new chain. Note the digest that verify prints elsewhere from time to time:
a later export holds the entry that has it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("action", choices=("verify", "export"), help="what to do")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="the platform's folder (default: platform)")


def run(args: argparse.Namespace) -> int:
    """Verify or export."""
    for module in ("alembic", "pydantic_settings", "sqlalchemy"):
        require(module, "platform")
    from tfproductgan.platform import audit
    from tfproductgan.platform.settings import Settings
    from tfproductgan.platform.store.database import Database

    settings = Settings(folder=args.folder) if args.folder else Settings()
    database = Database(settings.database)
    if database.is_sqlite and not Path(database.url.database or "").is_file():
        raise PlatformError(f"There is no store at {database.url.database!r}: give --folder.")
    try:
        if args.action == "export":
            with database.reading() as session:
                for line in audit.lines(session):
                    print(line, end="")
            return 0
        entries, digest, wrong = audit.verify(database)
    finally:
        database.close()
    for line in wrong:
        print(line)
    print(f"{entries:,} entries, the last with digest {digest}: {'NOT ' if wrong else ''}as they were written.")
    return 1 if wrong else 0
