"""``python -m summgan`` is the ``summgan`` command; ``accelerate launch -m summgan`` uses it."""

from summgan.cli.main import main

raise SystemExit(main())
