#!/usr/bin/env python3
"""The CDK app: one stage for each file in `environments/`, all of them synthesized every time."""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT / "constructs")]  # the source roots; docs/adr has the reason

from novaline.environments import load_environments
from novaline.findings import NovalineError
from novaline.lambda_layer import made_archive
from novaline.reward_libraries import require_libraries
from novaline.toolchain import node_path


def main() -> int:
    """Synthesizes; 1 with a message and no traceback when an environment file is wrong or a rule violated."""
    try:
        environments = load_environments(ROOT / "environments")
        made_archive()
        require_libraries(environments)
        os.environ.setdefault("JSII_NODE", str(node_path()))  # read when aws_cdk is imported
    except NovalineError as problem:
        for finding in problem.findings:
            hint = f"\n  {finding.hint}" if finding.hint else ""
            print(": ".join(filter(None, (finding.place, finding.message))) + hint, file=sys.stderr)  # noqa: T201 - this is a program
        return 1
    from stacks.stage import build_app, synthesize  # noqa: PLC0415 - imports aws_cdk, which starts Node

    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return 0 if synthesize(build_app(environments, context=context)) else 1


if __name__ == "__main__":
    sys.exit(main())
