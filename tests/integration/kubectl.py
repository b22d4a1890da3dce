"""kubectl as users have it: which ones are there, how one is run, and how one that goes on is followed."""
import contextlib
import glob
import json
import os
import queue
import re
import shutil
import subprocess
import threading
import unittest

import harness

# Debian's, where tools/debian_kubectl.sh had to fetch it because another one is installed.
FETCHED = harness.SOURCE / "build" / "debian-kubectl" / "usr" / "bin" / "kubectl"


def version_of(binary):
    """(1, 20) of a kubectl binary; None when it does not run."""
    with contextlib.suppress(OSError, ValueError, KeyError, subprocess.SubprocessError):
        out = subprocess.run([binary, "version", "--client", "-o", "json"], capture_output=True, timeout=60)
        version = json.loads(out.stdout)["clientVersion"]
        return int(version["major"]), int(re.match(r"\d+", version["minor"]).group())
    return None


def installed():
    """One binary per minor version: $NACELLE_KUBECTL (a list with colons), what is installed, what was fetched."""
    names = [n for n in os.environ.get("NACELLE_KUBECTL", "").split(":") if n]
    first = shutil.which("kubectl")
    if first:
        names.append(first)
        names += sorted(glob.glob(os.path.join(os.path.dirname(os.path.realpath(first)), "kubectl.1.*")))
    names.append(str(FETCHED))
    found = {}
    for name in names:
        version = version_of(name)
        if version is not None:
            found.setdefault(version, name)
    return found


def for_each_version(base, into):
    """A test class of `base` for the oldest and for the newest kubectl: between those nothing differs. A machine that
    has none fails, since nothing of `base` would be tested."""
    found = installed()
    if not found:
        def test_a_kubectl_is_there(self):
            self.fail("no kubectl is installed: `make setup` brings one")
        into["NoKubectl"] = type("NoKubectl", (unittest.TestCase,), {"test_a_kubectl_is_there": test_a_kubectl_is_there,
                                                                     "__module__": into["__name__"]})
    for version in sorted({min(found), max(found)} if found else ()):
        title = f"{base.__name__}{version[0]}_{version[1]}"
        into[title] = type(title, (base, unittest.TestCase), {"binary": found[version], "version": version,
                                                              "__module__": into["__name__"]})


class Follower:
    """A command that goes on: its lines as they come."""

    def __init__(self, command, env=None):
        self.command = [str(part) for part in command]
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        stdin=subprocess.DEVNULL, env=env)
        self.seen = []
        self._lines = queue.Queue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, pattern, timeout=60):
        """Until a line has it; that line."""
        while True:
            try:
                line = self._lines.get(timeout=timeout)
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"{self.command}: no line with {pattern}; it is "
                                     f"{'running' if self.process.poll() is None else 'over'}:\n{''.join(self.seen)}")
            self.seen.append(line)
            if re.search(pattern, line):
                return line

    def end(self, timeout=60):
        """Its exit code, when it ends by itself."""
        return self.process.wait(timeout)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._thread.join()
        self.process.stdout.close()
        self.process.stderr.close()


class Kubectl:
    """Mixin of a test case: `binary`, and environment(**more) with its HOME and KUBECONFIG."""
    binary = None
    version = None

    def run_kubectl(self, *args, stdin=None, **more):
        return subprocess.run([self.binary, *map(str, args)], input=stdin, capture_output=True, text=True, timeout=180,
                              env=self.environment(**more))

    def kubectl(self, *args, stdin=None, **more):
        done = self.run_kubectl(*args, stdin=stdin, **more)
        self.assertEqual(done.returncode, 0, f"kubectl {' '.join(map(str, args))}\n{done.stdout}{done.stderr}")
        return done.stdout

    def refused(self, *args, stdin=None):
        done = self.run_kubectl(*args, stdin=stdin)
        self.assertNotEqual(done.returncode, 0, f"kubectl {' '.join(map(str, args))} was accepted:\n{done.stdout}")
        return done.stderr

    def follow(self, *args):
        follower = Follower([self.binary, *args], self.environment())
        self.addCleanup(follower.close)
        return follower
