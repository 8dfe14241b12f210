"""Conversations in which functions are offered: calls, results, and chat beside them."""

from typing import Any

from . import names, talk, thoughts
from .chat import Chat, Message, Tool, dumps
from .scene import Scene
from .tool_tables import CALCULATOR, FIELDS, NOUNS, OTHERS, VERBS, WEATHER, Kind

JSON_TYPE = {"integer": "integer", "small": "integer", "boolean": "boolean"}
LANGUAGES = ["French", "German", "Chinese", "English", "Spanish", "Italian", "Japanese", "Russian"]
MONEY = ["USD", "EUR", "CNY", "JPY", "GBP", "CHF"]
ROOMS = {
    False: ["kitchen", "bedroom", "bathroom", "hall", "office", "garage", "garden"],
    True: ["厨房", "卧室", "客厅", "书房", "车库", "花园"],
}
TEXTS = {
    False: "I will be late|see you at noon|buy milk and bread|call the doctor|happy birthday|"
    "the meeting is at three|water the flowers|good night|where is the book|dinner is ready|pay the rent|"
    "clean the kitchen|I am on my way|have a nice day",
    True: "我会晚到|中午见|买牛奶和面包|给医生打电话|生日快乐|三点开会|浇花|"
    "晚安|书在哪里|晚饭好了|交房租|我在路上|祝你愉快",
}  # fmt: skip
WORDS = [
    "Blue", "River", "Golden", "Moon", "Silver", "Star", "Green", "Garden", "Night", "Train",
    "Summer", "Rain", "Little", "Bird", "Old", "Bridge", "Red", "Lantern",
]  # fmt: skip
SKY = {
    False: ("sunny", "cloudy", "rainy", "windy", "snowy", "foggy"),
    True: ("晴", "多云", "下雨", "有风", "下雪", "有雾"),
}


def expression(scene: Scene) -> str:
    """An expression that is worth a calculator."""
    numbers = [
        str(scene.rng.randint(2, 10 ** scene.rng.randint(1, 4)))
        for _ in range(scene.rng.randint(2, 3))
    ]
    text = numbers[0] + "".join(f" {scene.one('+-**/')} {n}" for n in numbers[1:])
    if len(numbers) == 3 and scene.chance(0.3):
        text = f"({numbers[0]} + {numbers[1]}) * {numbers[2]}"
    return text.replace(" ", "") if scene.chance(0.2) else text


def value(scene: Scene, kind: str) -> Any:
    """A value of the kind that a parameter takes."""
    rng = scene.rng
    makers = {
        "city": lambda: names.city(scene),
        "name": lambda: names.person(scene),
        "expression": lambda: scene.fresh(lambda: expression(scene)),
        "clock": lambda: f"{rng.randint(0, 23)}:{rng.randint(0, 59):02}",
        "text": lambda: scene.one(TEXTS[scene.zh].split("|")),
        "symbol": lambda: "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=rng.randint(3, 4))),
        "money": lambda: scene.one(MONEY),
        "language": lambda: scene.one(LANGUAGES),
        "title": lambda: " ".join(rng.sample(WORDS, 2)) if scene.chance(0.6) else names.invented(scene),
        "room": lambda: scene.one(ROOMS[scene.zh]),
        "integer": lambda: rng.randint(10, 999),
        "small": lambda: rng.randint(1, 9),
        "boolean": lambda: scene.chance(0.5),
        "word": lambda: names.invented(scene),
    }  # fmt: skip
    return makers[kind]()


def spoken(scene: Scene, value: Any) -> str:
    """A value as a person says it."""
    if isinstance(value, bool):
        return scene.say(("on",), ("打开",)) if value else scene.say(("off",), ("关闭",))
    return str(value)


def tool(name: str, about: str, properties: dict[str, Any], required: list[str]) -> Tool:
    """A function in the shape of the OpenAI API."""
    parameters = {"type": "object", "properties": properties, "required": required}
    return {
        "type": "function",
        "function": {"name": name, "description": about, "parameters": parameters},
    }


def build(scene: Scene, kind: Kind) -> Tool:
    """One function of a kind, under one of its names."""
    keys = [scene.one(options) for options, _ in kind.params]
    properties: dict[str, Any] = {}
    for key, (_, sort) in zip(keys, kind.params, strict=True):
        properties[key] = {"type": JSON_TYPE.get(sort, "string")}
        if scene.chance(0.2):
            properties[key]["description"] = f"The {key}."
    if kind.optional_unit and scene.chance(0.6):
        properties["unit"] = {"type": "string", "enum": ["celsius", "fahrenheit"]}
    return tool(scene.one(kind.names), kind.about, properties, keys)


def made_up(scene: Scene) -> tuple[Tool, str, dict[str, Any]]:
    """A function that means nothing, a request that spells the call out, and its arguments."""
    keys = scene.fresh(
        lambda: scene.rng.sample(FIELDS, scene.rng.randint(1, 3)), key=lambda k: "+".join(sorted(k))
    )
    sorts = [scene.one(("word", "integer", "boolean", "city")) for _ in keys]
    name = f"{scene.one(VERBS)}_{scene.one(NOUNS)}"
    arguments = {k: value(scene, s) for k, s in zip(keys, sorts, strict=True)}
    shown = [f"{k} {dumps(v).strip(chr(34))}" for k, v in arguments.items()]
    ask = scene.say(
        ("Call {f} with {x}.", "Use {f} with {x}.", "Please {v} the {n} with {x}."),
        ("用{x}调用 {f}。", "请调用 {f}，参数是{x}。"),
    )
    verb, noun = name.split("_")
    joined = (" and " if not scene.zh else "，").join(shown)
    properties = {k: {"type": JSON_TYPE.get(s, "string")} for k, s in zip(keys, sorts, strict=True)}
    about = f"{verb.capitalize()} the {noun}."
    return (
        tool(name, about, properties, keys),
        ask.format(f=name, x=joined, v=verb, n=noun),
        arguments,
    )


def offered(scene: Scene, own: list[Tool]) -> list[Tool]:
    """The functions of this conversation and up to two that are not needed."""
    more = [
        build(scene, k)
        for k in scene.rng.sample((WEATHER, CALCULATOR, *OTHERS), scene.rng.choice((0, 0, 1, 1, 2)))
    ]
    taken = {t["function"]["name"] for t in own}
    about = {t["function"]["description"] for t in own}
    extra = [
        t
        for t in more
        if t["function"]["name"] not in taken and t["function"]["description"] not in about
    ]
    tools = own + extra
    scene.rng.shuffle(tools)
    return tools


def call(scene: Scene, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One call as the OpenAI API carries it, with its arguments already parsed."""
    number = scene.rng.randrange(10**9)
    return {
        "id": f"call_{number}",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def weather_result(scene: Scene, place: str, unit: str) -> tuple[str, str]:
    """What the weather function gives back, and the words for it."""
    degrees, sky = scene.rng.randint(-9, 38), scene.one(SKY[scene.zh])
    result = (
        {"temperature": degrees, "condition": sky}
        if scene.chance(0.7)
        else {"condition": sky, "temp": degrees}
    )
    mark = "°F" if unit == "fahrenheit" else "°C"
    words = (
        f"{place}现在{sky}，{degrees}{mark}。"
        if scene.zh
        else f"It is {sky} in {place}, {degrees}{mark}."
    )
    return dumps(result), words


def outcome(scene: Scene, kind: Kind, arguments: dict[str, Any]) -> tuple[str, str]:
    """What the function gives back, and brook's words for it; empty where brook adds none."""
    values = list(arguments.values())
    if kind.optional_unit:
        return weather_result(scene, values[0], arguments.get("unit", "celsius"))
    if not kind.report:
        return "", ""
    result = value(scene, "clock") if kind.result == "clock" else str(scene.rng.randint(1, 9999))
    given = (
        dumps({"status": "ok"})
        if kind.result == "ok"
        else scene.one((result, dumps({"result": result})))
    )
    slots = {f"p{i}": spoken(scene, v) for i, v in enumerate(values)}
    return given, scene.say((kind.report,), (kind.report_zh,)).format(r=result, **slots)


def arguments_for(scene: Scene, kind: Kind, used: Tool) -> dict[str, Any]:
    """Values for the required parameters of a built function, in their order."""
    keys = used["function"]["parameters"]["required"]
    return {k: value(scene, sort) for k, (_, sort) in zip(keys, kind.params, strict=True)}


def request(scene: Scene, kind: Kind, used: Tool) -> tuple[str, dict[str, Any]]:
    """The user's words and the arguments that answer them."""
    arguments = arguments_for(scene, kind, used)
    slots = {f"p{i}": spoken(scene, v) for i, v in enumerate(arguments.values())}
    ask = scene.say(kind.asks, kind.asks_zh).format(**slots)
    if "unit" in used["function"]["parameters"]["properties"] and scene.chance(0.5):
        arguments["unit"] = scene.one(("celsius", "fahrenheit"))
        word = {"celsius": ("in Celsius", "用摄氏度"), "fahrenheit": ("in Fahrenheit", "用华氏度")}[
            arguments["unit"]
        ]
        ask = f"{ask}{word[1]}。" if scene.zh else f"{ask.rstrip('.?!')}, {word[0]}?"
    return ask, arguments


def calling(scene: Scene, ask: str, calls: list[Message]) -> None:
    """A request and the calls that answer it."""
    scene.messages.append({"role": "user", "content": ask})
    scene.answer("", thoughts.calling(calls, scene.zh), calls)


def telling(scene: Scene, results: list[tuple[Message, str]], words: str) -> None:
    """What each call gave back, and brook's words for all of it."""
    for made, given in results:
        scene.messages.append({"role": "tool", "tool_call_id": made["id"], "content": given})
    scene.answer(words, thoughts.result(" ".join(given for _, given in results), scene.zh))


def exchange(scene: Scene, kind: Kind, used: Tool) -> None:
    """A request, the call, the result and the words for it."""
    ask, arguments = request(scene, kind, used)
    made = call(scene, used["function"]["name"], arguments)
    calling(scene, ask, [made])
    given, words = outcome(scene, kind, arguments)
    if words:
        telling(scene, [(made, given)], words)


def two_cities(scene: Scene, used: Tool) -> None:
    """The weather of two places at once: two calls in one turn."""
    key = used["function"]["parameters"]["required"][0]
    places = [names.city(scene), names.city(scene)]
    ask = scene.say(
        ("What is the weather in {a} and {b}?", "Compare the weather in {a} and {b}."),
        ("{a}和{b}的天气怎么样？",),
    )
    calls = [call(scene, used["function"]["name"], {key: place}) for place in places]
    calling(scene, ask.format(a=places[0], b=places[1]), calls)
    results = [weather_result(scene, place, "celsius") for place in places]
    joined = ("" if scene.zh else " ").join(words for _, words in results)
    given = [(made, result) for made, (result, _) in zip(calls, results, strict=True)]
    telling(scene, given, joined)


def kind_of(scene: Scene) -> Kind:
    return scene.rng.choices((WEATHER, CALCULATOR, scene.one(OTHERS)), (3, 2, 3))[0]


def named_call(scene: Scene) -> Chat:
    """A made-up function, called as the user spells it out."""
    used, ask, arguments = made_up(scene)
    chat = scene.done("tool", call=True)
    chat.tools = offered(scene, [used])
    calling(scene, ask, [call(scene, used["function"]["name"], arguments)])
    return chat


def unused(scene: Scene, idle: Tool) -> Chat:
    """Talk in which a function is offered and nobody needs it."""
    scene.rng.choice((talk.greet, talk.introduce, talk.chatter))(scene)
    talk.chatter(scene)
    scene.rethink(thoughts.no_call(scene.zh))
    chat = scene.done("tool")
    chat.tools = offered(scene, [idle])
    return chat


def in_pairs(scene: Scene) -> Chat:
    """The weather of two places at once, perhaps beside functions that nobody needs."""
    scene.opening(0.4)
    used = build(scene, WEATHER)
    two_cities(scene, used)
    chat = scene.done("tool")
    chat.tools = offered(scene, [used])
    return chat


def with_tools(scene: Scene) -> Chat:
    """One or two exchanges with functions, and perhaps some talk that needs none."""
    scene.opening(0.4)
    if scene.chance(0.25):
        return named_call(scene)
    kind = kind_of(scene)
    used = build(scene, kind)
    if scene.chance(0.1):
        return unused(scene, used)
    if scene.chance(0.25):
        talk.chatter(scene)
    if kind is WEATHER and scene.chance(0.15):
        two_cities(scene, used)
    else:
        exchange(scene, kind, used)
    if scene.messages[-1]["content"] and scene.chance(0.35):
        scene.rng.choice((talk.chatter, talk.bye))(scene)
    chat = scene.done("tool")
    chat.tools = offered(scene, [used])
    return chat
