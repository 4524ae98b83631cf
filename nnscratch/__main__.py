"""`python -m nnscratch` is the command `nnscratch`."""

from __future__ import annotations

from nnscratch.cli import main

raise SystemExit(main())
