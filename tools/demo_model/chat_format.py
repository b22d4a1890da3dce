"""chat_format.py: writes a conversation as text, exactly as chat_template.jinja does.

The training needs to know which part of the text is the assistant's, so the text comes as a list of
(text, learned) pieces. check_oracle.py compares both writers on the held-out set.
"""
import json

TOOLS_HEAD = "# Tools\n\nYou can call these functions:\n<tools>\n"
TOOLS_TAIL = (
    '</tools>\n\nTo call one, answer with:\n<tool_call>\n'
    '{"name": <name>, "arguments": <arguments>}\n</tool_call>'
)


def compact(value):
    return json.dumps(value, ensure_ascii=False)


def call_text(call):
    function = call["function"]
    arguments = function["arguments"]
    if not isinstance(arguments, str):
        arguments = compact(arguments)
    return '<tool_call>\n{"name": "%s", "arguments": %s}\n</tool_call>' % (
        function["name"],
        arguments,
    )


def answer_text(message):
    parts = [message["content"]] if message.get("content") else []
    parts += [call_text(call) for call in message.get("tool_calls", [])]
    return "\n".join(parts)


def _system_text(system, tools):
    if not tools:
        return system
    listed = "".join(compact(tool) + "\n" for tool in tools)
    return (system + "\n\n" if system else "") + TOOLS_HEAD + listed + TOOLS_TAIL


def pieces(messages, tools=None, add_generation_prompt=False):
    """List of (text, learned). An assistant turn is learned up to and including <|im_end|>."""
    out = []
    system = ""
    if messages and messages[0]["role"] == "system":
        system, messages = messages[0]["content"], messages[1:]
    text = _system_text(system, tools)
    if text:
        out.append(("<|im_start|>system\n%s<|im_end|>\n" % text, False))
    for i, message in enumerate(messages):
        role = message["role"]
        if role == "assistant":
            out.append(("<|im_start|>assistant\n", False))
            out.append((answer_text(message) + "<|im_end|>", True))
            out.append(("\n", False))
        elif role == "tool":
            if i == 0 or messages[i - 1]["role"] != "tool":
                out.append(("<|im_start|>user", False))
            out.append(("\n<tool_response>\n%s\n</tool_response>" % message["content"], False))
            if i + 1 == len(messages) or messages[i + 1]["role"] != "tool":
                out.append(("<|im_end|>\n", False))
        else:
            out.append(("<|im_start|>%s\n%s<|im_end|>\n" % (role, message["content"]), False))
    if add_generation_prompt:
        out.append(("<|im_start|>assistant\n", False))
    return out


def prompt(messages, tools=None):
    return "".join(text for text, _ in pieces(messages, tools, add_generation_prompt=True))
