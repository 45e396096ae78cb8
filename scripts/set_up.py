"""Make .venv: the novaline command, Node and the CDK command line, all at the versions that the lock files pin.

Run by ``make setup`` with whatever Python there is, so this file keeps to syntax that an old one can read: it must
live to say that it is too old.
"""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
LEAST = (3, 11)
UV = "uv==0.13.8"


def main():
    if sys.version_info < LEAST:
        found = "%d.%d" % sys.version_info[:2]
        fail(
            "Novaline needs Python 3.11 or newer; %s is Python %s." % (sys.executable, found),
            "Install a newer Python, and name it: make setup PYTHON=python3.12",
        )
    try:
        import ensurepip
        import venv
    except ImportError:
        fail(
            "This Python has no venv module, which makes .venv: %s" % sys.executable,
            "On Debian and Ubuntu: apt-get install python3-venv",
        )
    del ensurepip
    if not usable():
        say("Making .venv with Python %s" % sys.version.split()[0])
        try:
            venv.EnvBuilder(with_pip=True, clear=True).create(VENV)
        except (OSError, subprocess.CalledProcessError) as problem:
            fail(
                "%s could not be made: %s" % (VENV, problem),
                "Make room for it, or remove what stands there; then run make again.",
            )
    say("Installing what uv.lock pins")
    run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV])
    extras = ["--all-extras", "--no-extra", "hugging-face"]
    run([PYTHON, "-m", "uv", "sync", "--quiet", "--locked", "--no-python-downloads", *extras])
    say("Packing the libraries of the functions' layers")
    run([PYTHON, "-m", "novaline.lambda_layer"])
    run([PYTHON, "-m", "novaline.reward_libraries"])
    say("Installing the CDK command line, with the Node that came along")
    run([PYTHON, "-m", "novaline.toolchain", "install"])
    with open(os.path.join(VENV, ".ready"), "w") as stamp:
        stamp.write("")
    say("Ready: .venv/bin/novaline --help")


def usable():
    """Whether .venv holds a Python that runs and is new enough."""
    if not os.path.exists(PYTHON):
        return False
    code = "import sys; sys.exit(sys.version_info < %r)" % (LEAST,)
    return subprocess.call([PYTHON, "-c", code]) == 0


def run(command):
    environment = dict(os.environ, UV_PROJECT_ENVIRONMENT=VENV)
    environment.pop("VIRTUAL_ENV", None)
    code = subprocess.call(command, cwd=ROOT, env=environment)
    if code != 0:
        fail(
            "This step of the set-up failed (exit status %d): %s" % (code, " ".join(command)),
            "Its own message stands above. If it names a connection: the set-up needs the Python package index and the\n"
            "  npm registry (behind a proxy, set HTTPS_PROXY). Then run make again.",
        )


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def fail(what, hint):
    sys.stderr.write("error: %s\n  %s\n" % (what, hint))
    sys.exit(2)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; run make again, it goes on from here\n")
        sys.exit(130)
