"""The start script of the engine presets asks the engine's version in the shell itself: no processes before exec."""
import re
import subprocess
import unittest

import harness

PRESETS = harness.SOURCE / "src" / "control" / "core" / "kserve" / "presets"
# From the question to the end of the function that answers.
VERSION_LINES = re.compile(r"^ *version=\$\{NACELLE_ENGINE_VERSION.*?^ *at_least\(\) .*?$", re.M | re.S)


def scripts():
    found = {}
    for path in sorted(PRESETS.glob("*.yaml")):
        for number, match in enumerate(VERSION_LINES.finditer(path.read_text())):
            found[f"{path.stem} {number}"] = match.group()
    return found


class PresetScript(unittest.TestCase):
    def passed(self, script, printed="", known=""):
        """Which of three releases the version reaches; `printed` by `vllm --version`, or `known` by a variable."""
        ask = 'for wanted in 0.16 0.18 0.22; do if at_least $wanted; then echo $wanted; fi; done'
        vllm = "exec 3>&2; vllm() { printf '%s' \"$PRINTED\"; echo asked >&3; }"
        done = subprocess.run(["bash", "-c", f"{vllm}\n{script}\n{ask}"], capture_output=True, text=True, timeout=30,
                              env={"PATH": "/usr/bin:/bin", "PRINTED": printed, "NACELLE_ENGINE_VERSION": known})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split(), "asked" in done.stderr

    def test_every_script_is_found_and_they_are_one(self):
        found = scripts()
        starts = sum(path.read_text().count("vllm serve /mnt/models") for path in PRESETS.glob("*.yaml"))
        self.assertEqual(len(found), starts, sorted(found))
        self.assertEqual(len({re.sub(r"^ +", "", script, flags=re.M) for script in found.values()}), 1)

    def test_versions(self):
        script = next(iter(scripts().values()))
        new, middle, old = ["0.16", "0.18", "0.22"], ["0.16", "0.18"], []
        for printed, expected in (("0.22.1\n", new), ("0.18.0\n", middle), ("0.9.2\n", old), ("0.100.0\n", new),
                                  ("1.0\n", new), ("0.18.1rc2.dev7+cu12.9\n", middle), ("", new), ("no version\n", new),
                                  ("WARNING 12.5 GiB are free\nvllm 0.18.0\n", middle)):
            with self.subTest(printed):
                self.assertEqual(self.passed(script, printed)[0], expected)

    def test_a_node_that_knows_the_version_is_not_asked(self):
        script = next(iter(scripts().values()))
        self.assertEqual(self.passed(script, printed="0.9", known="0.18.0"), (["0.16", "0.18"], False))
        self.assertEqual(self.passed(script, printed="0.18.0"), (["0.16", "0.18"], True))


if __name__ == "__main__":
    unittest.main()
