#!/usr/bin/env python3
"""Makes the tables of docs/reference from the schemas beside the code. Standard library only.

    tools/reference_docs.py            writes the tables between <!-- fields ... --> and <!-- end -->
    tools/reference_docs.py --check    says what is out of date, undescribed or without an example

Schemas are those of src/control/kube/schemas (CustomResourceDefinitions of the controllers) and of
src/gateway/**/schemas (what the gateway's decoders read; schemas_test.cc compares the two).
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "reference"
OPEN = "x-kubernetes-preserve-unknown-fields"


class Yaml:
    """The YAML of our schema files: block maps and lists, flow values, quoted texts, anchors and aliases."""

    def __init__(self, text):
        self.anchors = {}
        self.lines = []
        for line in text.splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                self.lines.append((len(line) - len(line.lstrip()), line.strip()))
        self.at = 0

    def load(self):
        return self.block(0)

    def block(self, indent):
        if self.lines[self.at][1].startswith("- "):
            return self.sequence(self.lines[self.at][0])
        out = {}
        while self.at < len(self.lines) and self.lines[self.at][0] == indent:
            key, rest = re.fullmatch(r"""("[^"]*"|[^\s:]+):(?:\s+(.*))?""", self.lines[self.at][1]).groups()
            out[key.strip('"')] = self.value(indent, rest or "")
        return out

    def value(self, indent, rest):
        anchor = None
        if rest.startswith("&"):
            anchor, _, rest = rest[1:].partition(" ")
        if rest:
            self.at += 1
            out = self.flow(rest)
        else:
            self.at += 1
            below, text = self.lines[self.at]
            out = self.sequence(below) if text.startswith("- ") else self.block(below)
        if anchor:
            self.anchors[anchor] = out
        return out

    def sequence(self, indent):
        out = []
        while self.at < len(self.lines) and self.lines[self.at][0] == indent and self.lines[self.at][1].startswith("- "):
            rest = self.lines[self.at][1][2:]
            self.at += 1
            out.append(self.flow(rest))
        return out

    def flow(self, text):
        """A value that begins on this line and may go on over the next ones."""
        while True:
            try:
                value, end = self.item(text, 0, "")
                break
            except IndexError:
                text += " " + self.lines[self.at][1]
                self.at += 1
        if text[end:].strip() and not text[end:].strip().startswith("#"):
            raise ValueError(f"cannot read: {text}")
        return value

    def item(self, text, at, stops):
        while text[at] == " ":
            at += 1
        if text[at] == "{":
            return self.flow_map(text, at + 1)
        if text[at] == "[":
            return self.flow_list(text, at + 1)
        if text[at] in "\"'":
            quote, out = text[at], ""
            at += 1
            while text[at] != quote:
                if quote == '"' and text[at] == "\\":
                    at += 1
                out += text[at]
                at += 1
            return out, at + 1
        end = at
        while end < len(text) and text[end] not in stops:
            end += 1
        word = text[at:end].strip()
        if word.startswith("*"):
            return self.anchors[word[1:]], end
        if word in ("true", "false"):
            return word == "true", end
        return (int(word) if re.fullmatch(r"-?\d+", word) else word), end

    def flow_map(self, text, at):
        out = {}
        while True:
            while text[at] in " ,":
                at += 1
            if text[at] == "}":
                return out, at + 1
            key, at = self.item(text, at, ":")
            out[key], at = self.item(text, at + 1, ",}")

    def flow_list(self, text, at):
        out = []
        while True:
            while text[at] in " ,":
                at += 1
            if text[at] == "]":
                return out, at + 1
            value, at = self.item(text, at, ",]")
            out.append(value)


def load(path):
    return Yaml((ROOT / path).read_text()).load()


def kinds():
    """{(kind, group): {"api", "properties"}}: the same form for schemas of both places."""
    def whole(api, spec, status):
        return {"api": api, "properties": {"spec": spec, "status": status}}
    serving, llmd = load("src/control/kube/schemas/llm_inference_service.yaml"), load("src/control/kube/schemas/llmd.yaml")
    # As serving_spec() of src/control/kube/kinds.cc puts it together.
    properties = {name: serving[name] for name in ("model", "baseRefs")}
    properties.update(serving["workload"])
    properties["prefill"] = {"type": "object", "description": "Engines that compute prompts only; those of the service then decode. It has "
                             "the fields of the service from replicas to rolloutStrategy."}
    properties.update({name: serving[name] for name in ("router", "tracing", "storageInitializer")})
    spec = {"type": "object", "properties": properties}
    group = "serving.kserve.io/v1alpha2"
    out = {
        ("LLMInferenceService", group): whole(group, {**spec, "required": ["model"]}, serving["service_status"]),
        ("LLMInferenceServiceConfig", group): whole(group, spec, serving["config_status"]),
    }
    group = "inference.llm-d.ai/v1alpha1"
    out["LLMInferenceService", group] = whole(group, llmd["service_spec"], llmd["service_status"])
    out["LLMInferencePool", group] = whole(group, llmd["pool_spec"], llmd["pool_status"])
    for path in sorted((ROOT / "src" / "gateway").glob("**/schemas/*.yaml")):
        for kind, schema in load(path.relative_to(ROOT))["kinds"].items():
            out[kind, schema["api"]] = schema
    return out


def type_of(schema):
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or text"
    kind = schema.get("type", "any")
    if kind == "array":
        inner = type_of(schema.get("items", {}))
        return "list of objects" if inner == "object" else f"list of {inner}s" if inner != "text" else "list of texts"
    if kind == "object" and "additionalProperties" in schema:
        return "map"
    return {"string": "text", "boolean": "true or false"}.get(kind, kind)


def limits_of(schema, required):
    out = ["required"] if required else []
    values = schema.get("enum") or schema.get("items", {}).get("enum")
    if values:
        out.append(", ".join(f"`{value}`" for value in values))
    numbers = schema if schema.get("type") != "array" else schema.get("items", {})
    low, high = numbers.get("minimum"), numbers.get("maximum")
    high = None if high == 2147483647 else high
    if low is not None and high is not None:
        out.append(f"{low} to {high}")
    elif low is not None:
        out.append(f"at least {low}")
    elif high is not None:
        out.append(f"at most {high}")
    if schema.get("maxItems"):
        out.append(f"at most {schema['maxItems']} entries")
    if schema.get("maxLength"):
        out.append(f"at most {schema['maxLength']} characters")
    if schema.get("pattern"):
        pattern = schema["pattern"].replace("|", "\\|")
        out.append(f"`{pattern}`")
    return "; ".join(out)


def plain(text):
    """A text that Markdown shows as it is."""
    return re.sub(r"([<*|])", r"\\\1", text)


def rows(properties, required, path, told):
    """A row for each field. `told` has where fields of an alias stood first: they are not repeated."""
    for name, schema in properties.items():
        at = f"{path}{name}"
        description, _, default = schema.get("description", "").partition(" Default: ")
        if not default and description.startswith("Default: "):
            description, default = "", description[len("Default: "):]
        description, default = plain(description), plain(default)
        kind, limits = type_of(schema), limits_of(schema, name in required)
        cells = [f"`{at}`", kind + (f": {limits}" if limits else ""), default.removesuffix("."), description]
        inner = schema.get("items", schema)
        fields = inner.get("properties")
        if not fields:
            yield cells
            continue
        first = told.setdefault(id(fields), at)
        if first != at:
            yield cells[:3] + [f"{description} Fields as of `{first}`.".strip()]
            continue
        yield cells
        yield from rows(fields, inner.get("required", []), at + ("[]." if "items" in schema else "."), told)


def table(schema, part):
    if part == "status":
        found = rows(schema["properties"]["status"]["properties"], [], "", {})
        found = [cells for cells in found if not cells[0].startswith("`conditions[]")]
        lines = ["| field of status | type | meaning |", "| --- | --- | --- |"]
        return lines + [f"| {cells[0]} | {cells[1]} | {cells[3]} |" for cells in found]
    properties = {name: one for name, one in schema["properties"].items() if name != "status"}
    path = ""
    required = []
    if list(properties) == ["spec"]:
        path, required, properties = "spec.", properties["spec"].get("required", []), properties["spec"]["properties"]
    found = list(rows(properties, required, path, {}))
    if not found:
        return ["No field of it is read."]
    return ["| field | type and rules | default | meaning |", "| --- | --- | --- | --- |"] + [
        "| " + " | ".join(cells) + " |" for cells in found]


MARK = re.compile(r"(<!-- fields (\S+) (\S+)(?: (status))? -->\n).*?(<!-- end -->)", re.S)


def filled(text, all_kinds, used):
    def fill(match):
        head, kind, api, part, end = match.groups()
        used.add((kind, api))
        return head + "\n".join(table(all_kinds[kind, api], part)) + "\n" + end
    return MARK.sub(fill, text)


def undescribed(schema, path):
    for name, one in schema.get("properties", {}).items():
        if not one.get("description") and path + name not in ("spec", "status"):
            yield path + name
        yield from undescribed(one.get("items", one), f"{path}{name}.")


def examples():
    """(kind, apiVersion) of every document below examples/."""
    out = set()
    for path in (ROOT / "examples").glob("*/*.yaml"):
        for document in re.split(r"(?m)^---.*$", path.read_text()):
            kind = re.search(r"(?m)^kind: (\S+)", document)
            api = re.search(r"(?m)^apiVersion: (\S+)", document)
            if kind and api:
                out.add((kind[1], api[1]))
    return out


def broken_links(path, text):
    for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", re.sub(r"`[^`]*`", "", text)):
        if not (path.parent / link).exists():
            yield f"{path.relative_to(ROOT)}: {link} does not exist"


def main():
    all_kinds, used, problems = kinds(), set(), []
    for path in sorted(PAGES.glob("*.md")):
        text = path.read_text()
        now = filled(text, all_kinds, used)
        if "--check" in sys.argv[1:]:
            if now != text:
                problems.append(f"{path.relative_to(ROOT)} is out of date: run tools/reference_docs.py")
            problems += broken_links(path, text)
        elif now != text:
            path.write_text(now)
    shown = examples()
    for (kind, api), schema in all_kinds.items():
        problems += [f"{api} {kind}: {field} has no description" for field in undescribed(schema, "")]
        if (kind, api) not in used:
            problems.append(f"{api} {kind} is on no page of docs/reference")
        if (kind, api) not in shown:
            problems.append(f"{api} {kind} has no example below examples/")
    print("\n".join(problems), file=sys.stderr) if problems else None
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
