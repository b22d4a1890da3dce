"""dialogue.py: the unit that every topic makes.

A Segment is a run of chat messages about one thing that can stand alone or be chained with others.
`system` and `tools` are set only by segments that need their own system text or tool list; such a
segment opens its conversation. Only assistant messages are learned.
"""
import dataclasses
from typing import List, Optional


@dataclasses.dataclass
class Segment:
    topic: str
    messages: List[dict]
    system: Optional[str] = None
    tools: Optional[list] = None

    def chainable(self):
        return self.system is None and self.tools is None


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def exchange(topic, question, answer, **kwargs):
    return Segment(topic, [user(question), assistant(answer)], **kwargs)
