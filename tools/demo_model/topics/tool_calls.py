"""tool_calls.py: function calls in the Hermes form, and the sentence after the tool's answer.

Names of functions and parameters vary, so that the model reads them from the tool list instead of
recalling them. A conversation has one to three tools; sometimes none fits and the answer is plain
text. Held out: one argument value in ten.
"""
import json

import names
from dialogue import Segment, assistant, user
from split import draw
from topics import arithmetic, greetings

WEATHER = ["sunny", "rainy", "cloudy", "windy", "snowy", "foggy"]


def _city(rng, held_out, kind):
    return draw(rng, held_out, names.city, lambda c: ("tool", kind, c))


class Tool:
    """One kind of tool.

    `build(rng, held_out)` gives (schema, required, question, arguments, reply, sentence).
    """

    def __init__(self, function_names, description, build):
        self.function_names, self.description, self.build = function_names, description, build


def _string(description=None):
    return {"type": "string", "description": description} if description else {"type": "string"}


def _weather(rng, held_out):
    city = _city(rng, held_out, "weather")
    key = rng.choice(["city", "city", "location", "location", "place", "town"])
    described = rng.random() < 0.5
    schema = {
        key: _string(
            rng.choice(["City name", "The city", "Name of the city"]) if described else None
        )
    }
    args = {key: city}
    ask = [
        "What is the weather in {0}?",
        "What's the weather in {0}?",
        "How is the weather in {0}?",
        "What's the weather like in {0}?",
        "Tell me the weather in {0}.",
        "Weather in {0}?",
        "What is the weather like in {0} today?",
        "Is it raining in {0}?",
    ]
    question = rng.choice(ask).format(city)
    if rng.random() < 0.25:
        schema["unit"] = {"type": "string", "enum": ["celsius", "fahrenheit"]}
        if rng.random() < 0.5:
            unit = rng.choice(["celsius", "fahrenheit"])
            question = question.rstrip("?.") + " in %s?" % unit
            args["unit"] = unit
    sky, degrees = rng.choice(WEATHER), rng.randint(0, 39)
    reply = rng.choice(
        [
            {"temperature": degrees, "condition": sky},
            {"condition": sky, "temperature": degrees},
            {"city": city, "temperature": degrees, "condition": sky},
        ]
    )
    return (
        schema,
        [key],
        question,
        args,
        reply,
        "It is %s in %s and %d degrees." % (sky, city, degrees),
    )


def _time(rng, held_out):
    city = _city(rng, held_out, "time")
    key = rng.choice(["city", "location", "timezone", "place"])
    ask = [
        "What time is it in {0}?",
        "What is the time in {0}?",
        "Tell me the time in {0}.",
        "What's the time in {0}?",
    ]
    clock = "%02d:%02d" % (rng.randint(0, 23), rng.randint(0, 59))
    return (
        {key: _string()},
        [key],
        rng.choice(ask).format(city),
        {key: city},
        {"time": clock},
        "The time in %s is %s." % (city, clock),
    )


def _calculate(rng, held_out):
    def big(r):
        return r.randint(2, 9999), r.choice("+-*"), r.randint(2, 999)

    a, op, b = draw(rng, held_out, big, lambda p: ("tool", "calc") + p)
    value = arithmetic.result(a, op, b)
    key = rng.choice(["expression", "formula"])
    ask = ["What is {0}?", "Calculate {0}.", "Compute {0}.", "How much is {0}?"]
    text = "%d %s %d" % (a, op, b)
    return (
        {key: _string()},
        [key],
        rng.choice(ask).format(text),
        {key: text},
        {"result": value},
        "%s = %d" % (text, value),
    )


def _timer(rng, held_out):
    minutes = draw(rng, held_out, lambda r: r.randint(1, 120), lambda m: ("tool", "timer", m))
    key = rng.choice(["minutes", "minutes", "duration"])
    ask = [
        "Set a timer for {0} minutes.",
        "Start a timer of {0} minutes.",
        "Please set a timer for {0} minutes.",
    ]
    return (
        {key: {"type": "integer"}},
        [key],
        rng.choice(ask).format(minutes),
        {key: minutes},
        {"status": "ok"},
        "The timer is set for %d minutes." % minutes,
    )


def _population(rng, held_out):
    city = _city(rng, held_out, "population")
    key = rng.choice(["city", "place", "name"])
    ask = ["How many people live in {0}?", "What is the population of {0}?"]
    count = rng.randint(1000, 9999999)
    return (
        {key: _string()},
        [key],
        rng.choice(ask).format(city),
        {key: city},
        {"population": count},
        "%d people live in %s." % (count, city),
    )


def _mail(rng, held_out):
    name = draw(rng, held_out, names.person, lambda n: ("tool", "mail", n))
    word = rng.choice(
        ["hello", "lunch", "meeting", "report", "holiday", "party", "thanks", "budget"]
    )
    keys = rng.choice([("to", "subject"), ("recipient", "subject"), ("name", "topic")])
    ask = [
        "Send an email to {0} about {1}.",
        "Write a mail to {0} about {1}.",
        "Email {0} about {1}.",
    ]
    return (
        {keys[0]: _string(), keys[1]: _string()},
        list(keys),
        rng.choice(ask).format(name, word),
        {keys[0]: name, keys[1]: word},
        {"status": "sent"},
        "The email to %s is sent." % name,
    )


def _flight(rng, held_out):
    start, end = _city(rng, held_out, "from"), _city(rng, held_out, "to")
    keys = rng.choice([("from", "to"), ("origin", "destination"), ("start", "end")])
    ask = [
        "Find a flight from {0} to {1}.",
        "Book a flight from {0} to {1}.",
        "I need a flight from {0} to {1}.",
    ]
    number = "%s%d" % (rng.choice(["LH", "AF", "BA", "NA"]), rng.randint(100, 999))
    return (
        {keys[0]: _string(), keys[1]: _string()},
        list(keys),
        rng.choice(ask).format(start, end),
        {keys[0]: start, keys[1]: end},
        {"flight": number},
        "Your flight is %s." % number,
    )


TOOLS = [
    Tool(
        [
            "get_weather",
            "get_weather",
            "get_weather",
            "get_current_weather",
            "weather",
            "weather_lookup",
        ],
        ["Get the weather of a city", "Get the current weather", "Weather for a city"],
        _weather,
    ),
    Tool(
        ["get_time", "get_current_time", "clock"], ["Get the time in a city", "Current time"], _time
    ),
    Tool(
        ["calculate", "calculator", "evaluate"],
        ["Evaluate an expression", "A calculator"],
        _calculate,
    ),
    Tool(["set_timer", "start_timer"], ["Set a timer", "Start a timer in minutes"], _timer),
    Tool(
        ["get_population", "population"],
        ["Population of a city", "Get the population"],
        _population,
    ),
    Tool(["send_email", "send_mail", "mail"], ["Send an email", "Send a mail to a person"], _mail),
    Tool(
        ["search_flights", "find_flight", "book_flight"],
        ["Find a flight", "Search flights"],
        _flight,
    ),
]


def _declare(rng, tool, schema, required):
    name = rng.choice(tool.function_names)
    function = {"name": name}
    if rng.random() < 0.8:
        function["description"] = rng.choice(tool.description)
    parameters = {"type": "object", "properties": schema}
    if rng.random() < 0.85:
        parameters["required"] = required
    function["parameters"] = parameters
    return name, {"type": "function", "function": function}


def make(rng, held_out):
    tool = TOOLS[0] if rng.random() < 0.25 else rng.choice(TOOLS)
    schema, required, question, args, reply, sentence = tool.build(rng, held_out)
    name, declared = _declare(rng, tool, schema, required)
    tools = [declared]
    for other in rng.sample([t for t in TOOLS if t is not tool], rng.choice([0, 0, 0, 1, 1, 2])):
        other_schema, other_required = other.build(rng, False)[:2]
        tools.append(_declare(rng, other, other_schema, other_required)[1])
    rng.shuffle(tools)
    if not held_out and rng.random() < 0.12:
        small_talk = greetings.make(rng, False)
        return Segment("tools", small_talk.messages, tools=tools)
    call = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"type": "function", "function": {"name": name, "arguments": args}}],
    }
    messages = [user(question), call]
    if rng.random() < 0.6:
        messages += [{"role": "tool", "content": json.dumps(reply)}, assistant(sentence)]
    return Segment("tools", messages, tools=tools)
