"""Synthesize every environment under every rule pack, and lint the templates. Exit status 0: no finding is open.

The app is run by itself and not through the CDK's command line, which was seen to end with status 0 in spite of
findings. The rule packs leave a report in the assembly; without one, none was attached. cfn-lint then holds each
template against CloudFormation's own resource schemas.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "checked"


def main() -> int:
    """Run both, and say what was checked."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    flags = {"CDK_CONTEXT_JSON": json.dumps({"rule-packs": "true"}), "CDK_OUTDIR": str(OUTPUT)}
    code = subprocess.call([sys.executable, "app.py"], cwd=ROOT, env={**os.environ, **flags})
    if code != 0:
        return code
    report = OUTPUT / "validation-report.json"
    if not report.is_file():
        sys.stderr.write("error: the synthesis left no validation report: no rule pack was attached\n")
        return 1
    failed = [pack["pluginName"] for pack in json.loads(report.read_text(encoding="utf-8"))["pluginReports"]]
    if failed:
        sys.stderr.write(f"error: {report} holds findings of {', '.join(failed)}\n")
        return 1
    templates = sorted(OUTPUT.rglob("*.template.json"))
    if not templates:
        sys.stderr.write(f"error: the synthesis left no template in {OUTPUT}\n")
        return 1
    code = subprocess.call([str(Path(sys.executable).parent / "cfn-lint"), "--", *map(str, templates)], cwd=ROOT)
    if code == 0:
        packs = "cdk-nag (AwsSolutions), CloudFormation's rules or cfn-lint"
        sys.stdout.write(f"{len(templates)} templates: no open finding of {packs}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
