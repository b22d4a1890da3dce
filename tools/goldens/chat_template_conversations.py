"""Conversations for chat_template.py: the arguments of apply_chat_template by name."""

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city, today or later.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Name of the city, e.g. \"Zürich\""},
                "days": {"type": "integer", "minimum": 0, "maximum": 18446744073709551615, "default": 1},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
            },
            "required": ["city"],
        },
    },
}
SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Finds pages & <b>things</b>.",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": ["string", "null"], "description": "words"},
                "weights": {"type": "array", "items": {"type": "number"}},
                "filter": {
                    "type": "object",
                    "properties": {"after": {"type": "string"}, "safe-search": {"type": "boolean"}},
                    "required": ["after"],
                },
                "extra": {"type": "object", "additionalProperties": {"type": "integer"}},
                "either": {"oneOf": [{"type": "string", "description": "a word"}, {"type": "number"}]},
            },
        },
        "return": {"type": "array", "items": {"type": "string"}},
    },
}
PING = {"type": "function", "function": {"name": "ping", "description": "", "parameters": {"type": "object", "properties": {}}}}


def call(name, arguments, id="abcDEF123"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def tool(text, id="abcDEF123"):
    return {"role": "tool", "tool_call_id": id, "content": text}


SYSTEM = {"role": "system", "content": "  Be brief.\n"}
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
UNICODE = "Grüße, 世界! \U0001f642 \u00a0\"quoted\" 'single' \\back\t<tag> & \u2028 end "


def conversation(name, messages, **more):
    return {"name": name, "messages": messages, **TOKENS, **more}


CONVERSATIONS = [
    conversation("one question", [user("Hi there")], add_generation_prompt=True),
    conversation("system and question", [SYSTEM, user("  Hi there\n")], add_generation_prompt=True),
    conversation(
        "several turns",
        [SYSTEM, user("One?"), assistant(" Two. "), user("Three?"), assistant("Four."), user("Five?")],
        add_generation_prompt=True,
    ),
    conversation("ends with a reply", [user("One?"), assistant("Two.")], add_generation_prompt=False),
    conversation("no system, several turns", [user("a"), assistant("b"), user("c")], add_generation_prompt=True),
    conversation("two users in a row", [user("a"), user("b")], add_generation_prompt=True),
    conversation("starts with a reply", [assistant("b"), user("c")], add_generation_prompt=True),
    conversation("unicode", [user(UNICODE), assistant(UNICODE), user(UNICODE)], add_generation_prompt=True),
    conversation("empty texts", [user(""), assistant(""), user("")], add_generation_prompt=True),
    conversation("no messages", [], add_generation_prompt=True),
    conversation("null content", [user("x"), assistant(None), user("y")], add_generation_prompt=True),
    conversation("unknown role", [{"role": "critic", "content": "no"}, user("y")], add_generation_prompt=True),
    conversation("tools offered", [SYSTEM, user("Weather in Bern?")], tools=[WEATHER, SEARCH], add_generation_prompt=True),
    conversation(
        "call and result",
        [
            user("Weather in Bern?"),
            assistant(None, tool_calls=[call("get_weather", {"city": "Bern", "days": 2})]),
            tool('{"sky": "clear", "t": 21.50}'),
        ],
        tools=[WEATHER],
        add_generation_prompt=True,
    ),
    conversation(
        "two calls, thoughts, an answer",
        [
            SYSTEM,
            user("Compare Bern and Zürich"),
            assistant(
                "<think>\ntwo calls\n</think>\n\nLooking.",
                tool_calls=[
                    call("get_weather", {"city": "Bern"}, "call00001"),
                    call("search", {"query": "Zürich <x>", "weights": [1, 0.5, 1e-7, 1e22], "filter": {"after": None, "ok": True}}, "call00002"),
                ],
            ),
            tool("21°", "call00001"),
            tool("19°", "call00002"),
            assistant("<think>compare</think>Bern is warmer."),
            user("Thanks & bye"),
        ],
        tools=[WEATHER, SEARCH, PING],
        add_generation_prompt=True,
    ),
    conversation(
        "a call without arguments",
        [user("Ping it"), assistant("", tool_calls=[call("ping", {}, "short")]), tool("pong", "short")],
        add_generation_prompt=False,
    ),
    conversation(
        "thinking off",
        [user("q"), assistant("<think>t</think>a", reasoning_content="r"), user("q2")],
        enable_thinking=False,
        thinking=True,
        reasoning_effort="high",
        add_generation_prompt=True,
    ),
    conversation(
        "thoughts kept after the question",
        [user("q"), assistant("a", reasoning_content="\nwhy\n", tool_calls=[call("ping", {"n": 1})]), tool("pong")],
        enable_thinking=True,
        add_generation_prompt=True,
    ),
    conversation(
        "content in parts",
        [
            {"role": "system", "content": [{"type": "text", "text": "Look closely."}]},
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " What is it? "}, {"type": "text", "text": "Tell."}]},
            {"role": "assistant", "content": [{"type": "text", "text": "A cat."}]},
        ],
        add_generation_prompt=True,
    ),
    conversation(
        "an image without a system message",
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]}],
        add_generation_prompt=True,
    ),
    conversation(
        "documents",
        [user("Sum up")],
        documents=[{"title": "One", "text": "line 1\nline 2\n\nline 4"}, {"title": "Two", "text": "é"}],
        controls={"citations": True, "length": None},
        add_generation_prompt=True,
    ),
    conversation(
        "Llama switches",
        [SYSTEM, user("Code?"), assistant("", tool_calls=[call("brave_search", {"query": "x y"})]), {"role": "ipython", "content": {"ok": [1, 2]}}],
        tools=[PING],
        builtin_tools=["code_interpreter", "brave_search", "wolfram"],
        tools_in_user_message=False,
        date_string="26 Jul 2024",
        add_generation_prompt=True,
    ),
    conversation("continue a reply", [user("Count"), assistant("One, two ")], continue_final_message=True),
    conversation("continue a user", [user("Count: one,\n")], continue_final_message=True),
]
