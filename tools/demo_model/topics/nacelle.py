"""nacelle.py: questions about Nacelle itself. Phrasings are held out, answers not.

The answers state the design in plain words; when the design changes, change them here and train again.
"""
from dialogue import exchange
from noise import soften
from topics.facts import phrasings

ABOUT = (
    "Nacelle is a system that serves large language models, from one laptop to a Kubernetes fleet. "
    "It is one native program written in C++. The engine runs the model with paged KV memory, prefix "
    "caching and continuous batching. The router chooses the replica that already holds most of your "
    "prompt. The gateway accepts requests, checks keys and limits, and streams the answers. The "
    "control plane starts replicas, scales them and replaces the ones that fail. Every part speaks "
    "the same protocols as the tools that teams already use, so you can replace one part at a time."
)

TALK = [
    (
        [
            "Tell me about Nacelle.",
            "Describe Nacelle.",
            "Explain Nacelle.",
            "Can you describe Nacelle?",
            "Tell me more about Nacelle.",
            "Give me an overview of Nacelle.",
            "Explain what Nacelle does.",
            "Write a paragraph about Nacelle.",
            "I want to know about Nacelle.",
            "Can you explain Nacelle to me?",
            "Tell me all about Nacelle.",
            "Tell me everything about Nacelle.",
            "What can you tell me about Nacelle?",
            "Describe Nacelle in detail.",
            "Explain Nacelle in detail.",
            "Give me a description of Nacelle.",
            "Write a text about Nacelle.",
            "Talk about Nacelle.",
            "Tell me more.",
            "Introduce Nacelle.",
            "Please describe Nacelle to me.",
            "Write about Nacelle.",
        ],
        ABOUT,
    ),
    (
        [
            "What is Nacelle?",
            "What's Nacelle?",
            "What is nacelle",
            "What is this Nacelle?",
            "Nacelle?",
            "What does Nacelle mean?",
            "So what is Nacelle?",
            "What is Nacelle in one sentence?",
            "Define Nacelle.",
            "What exactly is Nacelle?",
            "Do you know Nacelle?",
            "What kind of system is Nacelle?",
            "What kind of program is Nacelle?",
            "Nacelle, what is it?",
        ],
        "Nacelle is a system that serves large language models, from one laptop to a Kubernetes "
        "fleet.",
    ),
    (
        [
            "Why use Nacelle?",
            "What does Nacelle do?",
            "What is Nacelle for?",
            "What can Nacelle do?",
            "What is the purpose of Nacelle?",
            "Why should I use Nacelle?",
            "What does Nacelle do for me?",
            "What is Nacelle used for?",
            "What are the features of Nacelle?",
            "Why would I use Nacelle?",
            "What is the use of Nacelle?",
            "How does Nacelle work?",
            "What is the point of Nacelle?",
            "How can Nacelle help me?",
        ],
        "Nacelle loads a model, answers requests with the OpenAI API, routes them to the best "
        "replica and keeps the replicas healthy.",
    ),
    (
        [
            "What is a nacelle?",
            "Why is it called Nacelle?",
            "Why the name Nacelle?",
            "What is a nacelle on a plane?",
            "What does the word nacelle mean?",
            "Define a nacelle.",
            "What does the name Nacelle mean?",
        ],
        "A nacelle is the housing that holds an engine and everything it needs to run.",
    ),
    (
        [
            "Who made Nacelle?",
            "Who wrote Nacelle?",
            "Who built Nacelle?",
            "Who made you?",
            "Who created you?",
            "Who created Nacelle?",
            "Who trained you?",
        ],
        "Nacelle is made by its contributors, and I was trained by a script in the same "
        "repository.",
    ),
    (
        [
            "How do I start Nacelle?",
            "How do I run Nacelle?",
            "How can I start Nacelle?",
            "How do I launch Nacelle?",
            "How to start Nacelle?",
            "How do I get started with Nacelle?",
            "How do I install Nacelle?",
            "How do I use Nacelle?",
            "How do I build Nacelle?",
            "What is the command to start Nacelle?",
            "How can I run Nacelle?",
            "How to run Nacelle?",
            "Start Nacelle.",
            "What do I type to run Nacelle?",
        ],
        "Type make run in the repository. It builds Nacelle and starts it with this demo model.",
    ),
    (
        [
            "How do I test Nacelle?",
            "How do I run the tests?",
            "How can I test Nacelle?",
            "How to run the tests?",
            "What is the command to run the tests?",
            "How do I check that Nacelle works?",
            "How can I run the tests?",
        ],
        "Type make test in the repository.",
    ),
    (
        [
            "How do I serve a model?",
            "How do I serve my own model?",
            "How can I serve another model?",
            "How do I load a model?",
            "How to serve a model with Nacelle?",
            "How do I run my own model?",
            "How can I serve my own model?",
            "How do I serve a different model?",
            "How do I use another model?",
            "How can I load my model?",
            "How do I serve Qwen?",
            "How do I serve Llama?",
        ],
        "Type nacelle serve with the name or the folder of the model.",
    ),
    (
        [
            "Which port does Nacelle use?",
            "What port does Nacelle listen on?",
            "What is the default port?",
            "On which port does the server listen?",
            "Which port does the server use?",
            "Which port should I use?",
            "What port does the gateway use?",
            "On which port does Nacelle run?",
            "What is the port of the gateway?",
        ],
        "nacelle serve listens on port 8000 and the gateway on port 8080.",
    ),
    (
        [
            "How does prefix caching work?",
            "What is prefix caching?",
            "Explain prefix caching.",
            "What does prefix caching do?",
            "Tell me about prefix caching.",
            "What is the prefix cache?",
            "How does the prefix cache work?",
            "Why use prefix caching?",
            "What is prefix caching good for?",
            "Why is prefix caching fast?",
            "Describe prefix caching.",
            "Explain the prefix cache.",
            "Does Nacelle support prefix caching?",
        ],
        "Prefix caching keeps the KV blocks of earlier prompts, so a new prompt that starts with "
        "the same tokens skips that part of the work.",
    ),
    (
        [
            "What is the KV cache?",
            "What is paged KV memory?",
            "How does the paged KV cache work?",
            "Explain the KV cache.",
            "What is a paged KV cache?",
            "Tell me about the KV cache.",
            "What is paged attention?",
            "Explain paged attention.",
            "What is KV memory?",
            "What does the KV cache do?",
            "How does the KV cache work?",
            "How does paged attention work?",
            "Explain paged KV memory.",
            "Describe the KV cache.",
            "Why is the KV cache paged?",
            "How is KV memory managed?",
        ],
        "The KV cache holds the keys and values of earlier tokens. Nacelle keeps it in blocks of "
        "equal size, so memory is shared and none is wasted.",
    ),
    (
        [
            "What is continuous batching?",
            "Explain continuous batching.",
            "What is batching?",
            "How does continuous batching work?",
            "Tell me about continuous batching.",
            "Why use continuous batching?",
            "Describe continuous batching.",
            "What is continuous batching good for?",
            "How does Nacelle batch requests?",
        ],
        "Continuous batching lets requests join and leave the running batch at every step, so "
        "nobody waits for the slowest one.",
    ),
    (
        [
            "What is chunked prefill?",
            "Explain chunked prefill.",
            "How does chunked prefill work?",
            "What is prefill?",
            "Tell me about chunked prefill.",
            "Why use chunked prefill?",
            "Describe chunked prefill.",
            "What does chunked prefill do?",
            "How does prefill work?",
        ],
        "Chunked prefill cuts a long prompt into pieces, so that running answers keep flowing "
        "while it is read.",
    ),
    (
        [
            "What does the router do?",
            "How does routing work?",
            "How does Nacelle route requests?",
            "What is the router?",
            "Explain routing.",
            "Tell me about the router.",
            "How does the router choose a replica?",
            "How does the router work?",
            "What is routing?",
            "How are requests routed?",
            "Describe the router.",
            "What is the router for?",
            "How does Nacelle choose a replica?",
            "Which replica gets my request?",
        ],
        "The router rates every replica by its load and by how much of the prompt it already "
        "holds, and picks the best one.",
    ),
    (
        [
            "What is the gateway?",
            "What does the gateway do?",
            "Explain the gateway.",
            "Tell me about the gateway.",
            "What is the gateway for?",
            "How does the gateway work?",
            "What is a gateway?",
            "Describe the gateway.",
            "What does the Nacelle gateway do?",
            "Why do I need the gateway?",
        ],
        "The gateway accepts requests, checks keys and limits, asks the router for a replica and "
        "streams the answer back.",
    ),
    (
        [
            "What does the engine do?",
            "What is the engine?",
            "Explain the engine.",
            "Tell me about the engine.",
            "How does the engine work?",
            "What is the engine for?",
            "Describe the engine.",
            "What is an engine?",
            "What does the Nacelle engine do?",
        ],
        "The engine loads the weights, batches the requests and computes the next tokens.",
    ),
    (
        [
            "What does the operator do?",
            "What is the operator?",
            "Explain the operator.",
            "What is the operator for?",
            "Tell me about the operator.",
        ],
        "The operator watches Kubernetes objects and makes the cluster match them.",
    ),
    (
        [
            "What is the control plane?",
            "What does the control plane do?",
            "Explain the control plane.",
            "Tell me about the control plane.",
        ],
        "The control plane compares what you asked for with what is running, and starts, stops or"
        " replaces replicas until both agree.",
    ),
    (
        [
            "What does nacelle up do?",
            "What is nacelle up?",
            "Explain nacelle up.",
            "Tell me about nacelle up.",
        ],
        "nacelle up runs everything on one machine: the API, the controllers, the gateway and the"
        " engines.",
    ),
    (
        [
            "What is autoscaling?",
            "How does Nacelle scale?",
            "Explain autoscaling.",
            "How does autoscaling work?",
            "Can Nacelle scale to zero?",
        ],
        "Autoscaling watches the queue and the KV memory and adds or removes replicas, down to "
        "zero when nobody asks.",
    ),
    (
        [
            "What happens when an engine fails?",
            "What happens if a replica dies?",
            "What does Nacelle do when an engine dies?",
            "What if an engine crashes?",
            "How does stream resume work?",
            "What if a replica fails?",
            "What happens when a replica crashes?",
            "Does Nacelle resume streams?",
            "What is stream resume?",
        ],
        "The gateway remembers the tokens it has sent and resumes the answer on another replica, "
        "so the client sees no break.",
    ),
    (
        [
            "Which language is Nacelle written in?",
            "What language is Nacelle written in?",
            "Is Nacelle written in Python?",
            "In which language is Nacelle written?",
            "What is Nacelle written in?",
            "Is Nacelle written in C++?",
            "Which language does Nacelle use?",
        ],
        "Nacelle is written in C++20.",
    ),
    (
        [
            "Is Nacelle compatible with OpenAI?",
            "Which API does Nacelle speak?",
            "What API does Nacelle use?",
            "Can I use the OpenAI client?",
            "Does Nacelle support the OpenAI API?",
        ],
        "Yes, Nacelle speaks the OpenAI API, so every OpenAI client works with it.",
    ),
    (
        [
            "Can Nacelle replace vLLM?",
            "Is Nacelle compatible with vLLM?",
            "Does Nacelle work like vLLM?",
            "Is Nacelle like vLLM?",
            "Is Nacelle a replacement for vLLM?",
            "Can I use Nacelle instead of vLLM?",
            "Is Nacelle a vLLM server?",
            "Does Nacelle accept vLLM flags?",
        ],
        "Yes, nacelle serve takes the same flags as vLLM and answers the same API.",
    ),
    (
        [
            "Does Nacelle need a GPU?",
            "Do I need a GPU?",
            "Can Nacelle run without a GPU?",
            "Does Nacelle run on a CPU?",
            "Can I run Nacelle on my laptop?",
            "Is a GPU needed?",
            "Does Nacelle work on a CPU?",
            "Does Nacelle work without a GPU?",
        ],
        "No, Nacelle also runs on an ordinary CPU.",
    ),
    (
        ["What is a token?", "What are tokens?", "Explain tokens.", "What does token mean?"],
        "A token is a short piece of text, the unit that a language model reads and writes.",
    ),
    (
        [
            "What is streaming?",
            "How does streaming work?",
            "Explain streaming.",
            "What does streaming mean?",
        ],
        "Streaming sends each token to the client as soon as it is computed.",
    ),
    (
        [
            "What is Kubernetes?",
            "Explain Kubernetes.",
            "What does Kubernetes do?",
            "Tell me about Kubernetes.",
        ],
        "Kubernetes runs containers on many machines and keeps them running.",
    ),
    (
        [
            "What is a large language model?",
            "What is a language model?",
            "What is an LLM?",
            "Explain language models.",
            "What does LLM mean?",
            "How does a language model work?",
        ],
        "A language model reads text as tokens and predicts the next token again and again.",
    ),
    (
        [
            "What model are you?",
            "Which model is this?",
            "Which model are you?",
            "What model is this?",
            "What kind of model are you?",
            "Tell me about yourself.",
            "What architecture do you have?",
            "How were you trained?",
            "What is the demo model?",
            "Tell me about the demo model.",
            "Tell me about you.",
        ],
        "I am the Nacelle demo model: about five million parameters, Qwen3 architecture, trained "
        "in under an hour on a CPU.",
    ),
]


def make(rng, held_out):
    while True:
        questions, answer = rng.choice(TALK)
        question = phrasings(rng, questions, held_out)
        if question:
            break
    return exchange("nacelle", question if held_out else soften(rng, question), answer)
