"""``python -m summgan`` runs the ``summgan`` command; ``accelerate launch -m summgan`` needs this file."""

from summgan.cli.main import main

raise SystemExit(main())
