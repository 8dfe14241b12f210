"""Questions about Penstock and their answers. Knows no other subject."""
# ruff: noqa: E501 - a row of these tables stays on one line, so that it reads as a row

from .scene import Scene, loosely

EN = (
    (("What is Penstock?", "Tell me about Penstock.", "What does Penstock do?", "Explain Penstock.", "Do you know Penstock?",
      "What is Penstock used for?"),
     ("Penstock is a serving engine for large language models. It answers over an OpenAI-style API.",
      "Penstock serves large language models: clients send requests over HTTP, and it answers with generated text.")),
    (("How do I start Penstock?", "How can I run Penstock?", "How do I start the server?", "What command starts Penstock?",
      "How do I launch Penstock?"),
     ("Run `penstock serve` in a terminal. Without a model of your own it serves me, brook.",
      "Type `penstock serve`. It starts the engine core, the front end and the workers.")),
    (("Which processes does Penstock have?", "What are the parts of Penstock?", "How is Penstock built?",
      "What is the architecture of Penstock?", "How does Penstock work?"),
     ("Penstock has three kinds of processes: api-frontend, engine-core and workers. They talk over ZeroMQ.",
      "The api-frontend speaks HTTP, the engine-core schedules, and the workers run the model. ZeroMQ connects them.")),
    (("What does the engine core do?", "What is engine-core?", "What is the scheduler in Penstock?"),
     ("The engine-core holds the scheduler: it decides which requests run in each step and gives out the pages of the KV cache.",)),
    (("What does the front end do?", "What is api-frontend?", "Where does HTTP live in Penstock?"),
     ("The api-frontend speaks HTTP and JSON. It turns text into tokens and tokens back into text, and keeps no state.",)),
    (("What do the workers do?", "What is a worker in Penstock?", "Who runs the model in Penstock?"),
     ("The workers hold the model's weights and the KV cache and run each step. With tensor parallelism they share one model.",)),
    (("What is ZeroMQ for in Penstock?", "How do the processes talk to each other?", "Why does Penstock use ZeroMQ?"),
     ("ZeroMQ carries the messages between the processes of Penstock.",)),
    (("What is paged attention?", "How does Penstock store the KV cache?", "What is a KV cache page?", "What are KV cache pages?"),
     ("With paged attention the KV cache is cut into pages of equal size, so that memory is not wasted.",
      "Paged attention keeps keys and values in small pages, and each request holds a list of its pages.")),
    (("What is continuous batching?", "Does Penstock batch requests?"),
     ("With continuous batching, new requests join the running batch at every step and finished ones leave it.",)),
    (("Which API does Penstock speak?", "Can I use the OpenAI SDK with Penstock?", "How do I call Penstock?", "Is Penstock compatible with OpenAI?"),
     ("Penstock speaks the OpenAI API. Point the OpenAI SDK's base_url at the server and use it as usual.",)),
    (("What is brook in Penstock?", "Why does Penstock ship a model?", "Which model comes with Penstock?"),
     ("I am brook, the small model inside the Penstock package. With me Penstock runs on a fresh machine without a download.",)),
    (("What is the license of Penstock?", "Is Penstock open source?", "How is Penstock licensed?"),
     ("Penstock is under the Apache 2.0 license.",)),
    (("Which language is Penstock written in?", "Is Penstock written in Python?"), ("Penstock is written in Python.",)),
    (("Can Penstock stream answers?", "Does Penstock support streaming?", "How do I stream?"),
     ("Yes. Set \"stream\" to true and Penstock sends the answer piece by piece.",)),
    (("Does Penstock support tool calls?", "Can Penstock call tools?", "How do I use tools with Penstock?"),
     ("Yes. Send a list of tools with the request, and the model can answer with a tool call.",)),
)  # fmt: skip
ZH = (
    (("Penstock 是什么？", "介绍一下 Penstock。", "什么是 Penstock？", "你知道 Penstock 吗？", "Penstock 有什么用？"),
     ("Penstock 是大语言模型的推理服务引擎，提供 OpenAI 风格的接口。", "Penstock 用来部署大语言模型：客户端用 HTTP 发请求，它返回生成的文本。")),
    (("怎么启动 Penstock？", "如何运行 Penstock？", "Penstock 的启动命令是什么？", "怎么启动服务？"),
     ("在终端里运行 `penstock serve` 就可以了。", "输入 `penstock serve`，它会启动引擎、前端和工作进程。")),
    (("Penstock 有哪些进程？", "Penstock 的架构是什么？", "Penstock 由哪些部分组成？", "Penstock 是怎么工作的？"),
     ("Penstock 有三种进程：api-frontend、engine-core 和 worker，它们用 ZeroMQ 通信。",)),
    (("engine-core 是做什么的？", "什么是 engine-core？"), ("engine-core 里有调度器，它决定每一步运行哪些请求，并分配 KV 缓存的页。",)),
    (("api-frontend 是做什么的？", "前端做什么？"), ("api-frontend 处理 HTTP 请求，把文本变成词元，再把词元变回文本。",)),
    (("worker 是做什么的？", "工作进程做什么？"), ("worker 保存模型权重和 KV 缓存，并运行模型的每一步。",)),
    (("什么是分页注意力？", "Penstock 怎么保存 KV 缓存？"), ("分页注意力把 KV 缓存切成一样大的页，这样不浪费内存。",)),
    (("什么是连续批处理？",), ("连续批处理让新的请求在每一步加入批次，完成的请求随时离开。",)),
    (("怎么调用 Penstock？", "可以用 OpenAI SDK 吗？", "Penstock 用什么接口？"), ("Penstock 兼容 OpenAI 接口，把 SDK 的 base_url 指向服务器就可以。",)),
    (("Penstock 自带什么模型？", "brook 是什么？"), ("brook 就是我，Penstock 自带的小模型，不用下载就能运行。",)),
    (("Penstock 支持流式输出吗？",), ("支持。把 stream 设为 true，答案会一段一段地返回。",)),
    (("Penstock 是开源的吗？", "Penstock 的许可证是什么？"), ("Penstock 使用 Apache 2.0 许可证。",)),
    (("Penstock 用什么语言写的？",), ("Penstock 是用 Python 写的。",)),
)  # fmt: skip


def some(scene: Scene) -> None:
    """One to three questions about Penstock."""
    rows = ZH if scene.zh else EN
    for asks, answers in scene.rng.sample(rows, scene.rng.randint(1, 3)):
        scene.turn(loosely(scene, scene.one(asks)), scene.one(answers))
