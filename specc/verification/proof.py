"""A verification as a document: what was compared, how, and what came out."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from specc import __version__
from specc.diagnostics import Diagnostic
from specc.files import MARKER
from specc.verification.comparison import Check

if TYPE_CHECKING:
    from specc.verify import Verification


def document(verification: Verification, spec: str) -> dict[str, Any]:
    """Everything, in a fixed order; `spec` is the file's name.

    Errors have two digits: the others depend on the machine.
    """
    plan, options = verification.plan, verification.options
    return {
        "proof": f"{MARKER} {__version__} from {spec}, {verification.fingerprint}.",
        "verdict": "passed" if verification.passed else "failed",
        "net": verification.net,
        "parameters": verification.parameters,
        "settings": list(options.settings),
        "train": options.train,
        "sizes": dict(plan.sizes),
        "batch": plan.batch,
        "steps": plan.steps,
        "optimizer": verification.optimizer,
        "directions": plan.directions,
        "seed": plan.seed,
        "versions": {"specc": __version__, "numpy": np.__version__, "torch": torch.__version__},
        "checks": [_check(check) for check in verification.checks],
        "failure": _failure(verification.failure) if verification.failure else None,
    }


def _failure(found: Diagnostic) -> dict[str, str]:
    """What differs first, and its line; without folders, which differ from machine to machine."""
    span = found.primary.span
    return {
        "message": found.message,
        "place": f"{PurePath(span.source.name).name}:{span.line}",
        "note": found.note,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "quantity": check.quantity,
        "precision": check.precision.value,
        "side": check.side,
        "bound": check.bound,
        "passed": not check.failed,
        "worst": check.worst,
        "errors": {name: rounded(error) for name, error in check.errors.items()},
    }


def rounded(error: float) -> float | str:
    """An error with two digits; as text where it is no number of JSON."""
    return float(f"{error:.1e}") if np.isfinite(error) else str(error)
