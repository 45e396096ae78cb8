"""Synthesize every environment under every rule pack, and lint the templates. Exit status 0: no finding is open.

cdk-nag (AwsSolutions) runs inside the synthesis, which fails on a finding that is not acknowledged; cfn-lint then holds
each template against CloudFormation's own resource schemas.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "checked"


def main() -> int:
    """Run both, and say what was checked."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    synth = [sys.executable, "-m", "novaline.toolchain", "cdk", "synth", "--quiet"]
    code = subprocess.call([*synth, "--context", "rule-packs=true", "--output", str(OUTPUT)], cwd=ROOT)
    if code != 0:
        return code
    templates = sorted(OUTPUT.rglob("*.template.json"))
    if not templates:
        sys.stderr.write(f"error: the synthesis left no template in {OUTPUT}\n")
        return 1
    code = subprocess.call([str(Path(sys.executable).parent / "cfn-lint"), "--", *map(str, templates)], cwd=ROOT)
    if code == 0:
        sys.stdout.write(f"{len(templates)} templates: no open finding of cdk-nag (AwsSolutions) or cfn-lint\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
