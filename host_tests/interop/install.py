"""Install the SIP programs the interoperability tests talk to.

    python -m host_tests.interop.install

Debian and Ubuntu carry all of them, so as root this is one apt-get. Elsewhere, or as an
ordinary user, it names what is missing and the command that mends it and exits with 1:
a suite that quietly skipped its peers would prove nothing.
"""

import glob
import os
import shutil
import subprocess
import sys

# program -> Debian package
PACKAGES = {"kamailio": "kamailio", "baresip": "baresip-core", "sipp": "sip-tester"}
# module of Kamailio -> Debian package, for the IMS core
MODULES = {
    "ims_auth.so": "kamailio-ims-modules",
    "presence.so": "kamailio-presence-modules",
}
# library -> Debian package
LIBRARIES = {"libspandsp.so.2": "libspandsp2"}
_LIBRARIES = ("/usr/lib", "/usr/lib/*", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find_program(name: str):
    """Return the path of *name*, also from the sbin folders a user's PATH leaves out, or None."""
    return shutil.which(name) or shutil.which(name, path=_SYSTEM_PATH)


def missing_packages() -> list:
    """Return the Debian packages of the programs and modules that are not here."""
    missing = [package for program, package in PACKAGES.items() if not find_program(program)]
    for module, package in MODULES.items():
        if not any(glob.glob(f"{folder}/kamailio/modules/{module}") for folder in _LIBRARIES):
            missing.append(package)
    for library, package in LIBRARIES.items():
        if not any(glob.glob(f"{folder}/{library}") for folder in _LIBRARIES):
            missing.append(package)
    return missing


def _apt_get(*arguments: str):
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command = ["apt-get", "-q", "-y", *arguments]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout.decode(errors="replace"))
    return done.returncode == 0


def install(packages: list) -> bool:
    """Install Debian *packages*; the package lists are fetched only when apt needs them."""
    wanted = ["install", "--no-install-recommends", *packages]
    known = subprocess.run(
        ["apt-cache", "show", *packages], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if known.returncode and not _apt_get("update"):
        return False
    # The lists on the machine may be older than the archive: fetch them and try once more.
    return _apt_get(*wanted) or (_apt_get("update") and _apt_get(*wanted))


def main() -> int:
    """Install what is missing; 0 when every program is here, 1 with the remedy when not."""
    missing = missing_packages()
    if not missing:
        return 0
    names = " ".join(missing)
    if not shutil.which("apt-get"):
        programs = ", ".join(name for name in PACKAGES if not find_program(name))
        print(f"make interop needs {programs} on PATH; install them and run it again.",
              file=sys.stderr)  # fmt: skip
        return 1
    if os.geteuid() != 0:
        print(f"make interop needs {names}; run: sudo apt-get install "
              f"--no-install-recommends {names}", file=sys.stderr)  # fmt: skip
        return 1
    print(f"installing {names}", file=sys.stderr)
    if install(missing) and not missing_packages():
        return 0
    print(f"apt-get could not install {names}; its output is above.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
