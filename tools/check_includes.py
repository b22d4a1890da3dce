#!/usr/bin/env python3
"""Checks that #include lines follow the stated order of components (docs/architecture.md).

Each component lists the components it may include. Two rules on top: another component's inside (a
subfolder that is not part of its face) is not included, and `core/` folders include only base/ and
their own core/. Prints every violation with file and line; exits 1 if there is one.
"""
import pathlib
import re
import sys

MAY_INCLUDE = {
    "base": "",
    "block_hash": "base",
    "kv_events": "base",
    "yaml": "base",
    "tensor": "base",
    "kernels": "base tensor",
    "tokenizer": "base",
    "chat_template": "base",
    "async": "base",
    "telemetry": "base async",
    "net": "base async telemetry",
    "tracing": "base async telemetry net",
    "kube": "base async telemetry net",
    "openai": "base",
    "provider": "base async telemetry net openai",
    "prompt": "base tokenizer chat_template openai",
    "model": "base tensor kernels",
    "yardstick": "base tensor kernels model",
    "engine": "base block_hash kv_events tensor kernels model async telemetry",
    "serve": "base async telemetry net openai tokenizer chat_template prompt model engine",
    "router": "base block_hash kv_events yaml tokenizer chat_template async telemetry net openai prompt",
    "epp": "base async telemetry net tracing kube openai provider router",
    "gateway": "base yaml async telemetry net tracing kube openai provider",
    "control": "base yaml async telemetry net kube",
    "cli": "base async telemetry net kube tokenizer",
}
# Folders below a component that belong to its face.
FACES = {"net/http", "net/sse", "net/grpc", "net/tls", "router/flow", "router/objective", "router/signals"}
# Components whose subfolders each are a small public module (one folder per op).
OPEN = {"kernels"}


def main(root: pathlib.Path) -> int:
    errors = []
    order = list(MAY_INCLUDE)
    files = sorted(p for p in root.rglob("*") if p.suffix in (".h", ".cc", ".inc"))
    for path in files:
        parts = path.relative_to(root).parts
        owner = parts[0]
        if owner == "apps":
            continue
        if owner not in MAY_INCLUDE:
            errors.append(f"{path}: component '{owner}' is not in the order of tools/check_includes.py")
            continue
        allowed = set(MAY_INCLUDE[owner].split()) | {owner}
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = re.match(r'\s*#include "([^"]+)"', line)
            if not match:
                continue
            target = match.group(1).split("/")
            if target[0] not in MAY_INCLUDE and target[0] != "apps":
                continue  # generated or relative to the file: the compiler finds it or fails
            where = f"{path}:{number}: includes {match.group(1)}"
            if target[0] not in allowed:
                errors.append(f"{where}, but {owner} may include only {', '.join(sorted(allowed))}")
            elif target[0] != owner and len(target) > 2 and target[0] not in OPEN \
                    and "/".join(target[:2]) not in FACES and "testing" not in target \
                    and not path.name.endswith(("_test.cc", "_bench.cc")):
                errors.append(f"{where}, the inside of {target[0]}; include its face")
            elif "core" in parts[1:-1] and target[0] != "base" and len(target) > 2:
                module = list(parts[:parts.index("core")])  # the folder whose inside this core/ is
                if target[:len(module) + 1] != module + ["core"] and target[:-1] != module:
                    errors.append(f"{where}, but core/ includes only base/, the faces above it and itself")
    for name, allowed in MAY_INCLUDE.items():
        later = [a for a in allowed.split() if order.index(a) > order.index(name)]
        if later:
            errors.append(f"order: {name} is listed before {', '.join(later)}")
    print("\n".join(errors) if errors else f"include order holds: {len(files)} files")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "src")))
