"""Conversations whose answer is JSON under a schema that the prompt gives. Knows no tools."""
# ruff: noqa: E501 - a row of these tables stays on one line, so that it reads as a row

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import lists, names, talk, thoughts
from .chat import Chat, dumps
from .scene import Scene
from .tool_calls import SKY, WORDS


@dataclass(frozen=True)
class Fact:
    """One thing that a text can say and a field can ask for."""

    keys: tuple[str, ...]
    make: Callable[[Scene], Any]
    en: tuple[str, ...]
    zh: tuple[str, ...]
    enum: tuple[str, ...] = ()


def _int(low: int, high: int) -> Callable[[Scene], int]:
    return lambda scene: scene.rng.randint(low, high)


def _price(scene: Scene) -> float:
    return scene.rng.randint(1, 99) + scene.one((0.5, 0.25, 0.75, 0.1, 0.99))


def _some(table: dict[bool, list[str]], low: int = 2) -> Callable[[Scene], list[str]]:
    return lambda scene: scene.rng.sample(table[scene.zh], scene.rng.randint(low, 3))


def _bool(scene: Scene) -> bool:
    return scene.chance(0.5)


def _title(scene: Scene) -> str:
    return " ".join(scene.rng.sample(WORDS, 2))


JOBS = {
    False: [
        "teacher",
        "doctor",
        "baker",
        "driver",
        "painter",
        "nurse",
        "farmer",
        "student",
        "writer",
        "cook",
        "pilot",
        "engineer",
    ],
    True: ["老师", "医生", "司机", "画家", "护士", "农民", "学生", "作家", "厨师", "工程师"],
}
ITEMS = {False: lists.WORDS, True: lists.WORDS_ZH}
PERSON = (
    Fact(("name", "full_name", "person", "who", "first_name"), names.person, ("The name is {v}.", "This is {v}.", "Meet {v}."), ("名字是{v}。", "这是{v}。")),
    Fact(("age", "years", "age_years"), _int(5, 95), ("Age: {v}.", "They are {v} years old.", "The age is {v}."), ("今年 {v} 岁。", "年龄是 {v}。")),
    Fact(("city", "town", "home", "lives_in", "location"), names.city, ("Home is {v}.", "They live in {v}.", "The city is {v}."), ("住在{v}。", "城市是{v}。")),
    Fact(("job", "profession", "occupation", "work"), lambda s: s.one(JOBS[s.zh]), ("The job is {v}.", "They work as a {v}."), ("职业是{v}。", "工作是{v}。")),
    Fact(("likes", "hobbies", "interests"), _some(talk.THINGS, 1), ("They like {v}.", "Hobbies: {v}."), ("喜欢{v}。", "爱好有{v}。")),
    Fact(("married", "is_married"), _bool, ("They are {n}married.",), ("{n}结婚了。",)),
    Fact(("friend", "best_friend"), names.person, ("The best friend is {v}.",), ("最好的朋友是{v}。",)),
)  # fmt: skip
PRODUCT = (
    Fact(("product", "title", "item", "name"), _title, ("The product is called {v}.", "For sale: {v}."), ("商品名是 {v}。", "出售：{v}。")),
    Fact(("price", "cost"), _price, ("It costs {v} dollars.", "The price is {v}."), ("价格是 {v} 元。", "卖 {v} 元。")),
    Fact(("color", "colour"), lambda s: s.one(talk.COLORS[False]), ("The color is {v}.", "It is {v}."), ("颜色是 {v}。",), enum=tuple(talk.COLORS[False])),
    Fact(("in_stock", "available"), _bool, ("It is {n}in stock.",), ("{n}有货。",)),
    Fact(("quantity", "count", "amount"), _int(1, 500), ("There are {v} of them.", "Quantity: {v}."), ("数量是 {v}。", "一共有 {v} 个。")),
    Fact(("tags", "keywords", "parts"), _some(ITEMS), ("Tags: {v}.", "It comes with {v}."), ("标签有{v}。", "附带{v}。")),
    Fact(("size",), lambda s: s.one(("small", "medium", "large")), ("The size is {v}.",), ("尺寸是 {v}。",), enum=("small", "medium", "large")),
    Fact(("seller", "shop_owner"), names.person, ("The seller is {v}.", "Sold by {v}."), ("卖家是{v}。",)),
)  # fmt: skip
EVENT = (
    Fact(("event", "title", "name"), _title, ("The event is {v}.", "Event: {v}."), ("活动是 {v}。",)),
    Fact(("place", "venue_city", "city"), names.city, ("It takes place in {v}.", "Place: {v}."), ("地点在{v}。",)),
    Fact(("day", "weekday"), lambda s: s.one(("monday", "tuesday", "friday", "sunday")), ("The day is {v}.", "It is on {v}."), ("日子是 {v}。",),
         enum=("monday", "tuesday", "friday", "sunday")),
    Fact(("guests", "people", "seats"), _int(2, 300), ("There are {v} guests.", "{v} people come."), ("有 {v} 位客人。",)),
    Fact(("host", "organizer", "speaker"), names.person, ("The host is {v}.", "{v} is the host."), ("主持人是{v}。",)),
    Fact(("free", "is_free"), _bool, ("It is {n}free.",), ("{n}免费。",)),
    Fact(("weather", "sky"), lambda s: s.one(SKY[False]), ("The weather is {v}.",), ("天气是 {v}。",), enum=SKY[False]),
    Fact(("food", "bring", "menu"), _some(ITEMS), ("Please bring {v}.", "There will be {v}."), ("请带{v}。",)),
)  # fmt: skip
ORDER = (
    "Answer in JSON that matches this schema: {s}", "Answer in JSON that matches this schema: {s}", "Reply with JSON that follows this schema: {s}",
    "Answer only with JSON matching this schema: {s}", "Return a JSON object for this JSON schema: {s}",
    "You must answer with a JSON object that is valid under this schema:\n{s}",
)  # fmt: skip
ASK = (
    "{t}",
    "Extract the data: {t}",
    "Turn this into JSON: {t}",
    "{t} Fill in the fields.",
    "Read this text: {t}",
)
ASK_ZH = ("{t}", "提取信息：{t}", "请转成 JSON：{t}", "读这段话：{t}")


def type_of(value: Any) -> dict[str, Any]:
    """The schema of one value."""
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, list):
        return {"type": "array", "items": {"type": "string"}}
    return {"type": {str: "string", int: "integer", float: "number"}[type(value)]}


def sentence(scene: Scene, fact: Fact, value: Any) -> str:
    """The sentence that says a fact."""
    pattern = scene.say(fact.en, fact.zh)
    if isinstance(value, bool):
        return pattern.format(
            n=""
            if value
            else scene.say(
                ("not ",), ("没",) if "有货" in pattern or "结婚" in pattern else ("不",)
            )
        )
    if isinstance(value, list):
        return pattern.format(v="和".join(value) if scene.zh else " and ".join(value))
    return pattern.format(v=value)


def form(scene: Scene, facts: list[tuple[Fact, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema over the facts, and the answer to it."""
    properties: dict[str, Any] = {}
    answer: dict[str, Any] = {}
    for fact, value in facts:
        key = scene.one(fact.keys)
        enum = fact.enum and scene.chance(0.6)
        properties[key] = {"type": "string", "enum": list(fact.enum)} if enum else type_of(value)
        answer[key] = value
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }
    if scene.chance(0.4):
        schema["additionalProperties"] = False
    return schema, answer


def filled(scene: Scene) -> tuple[dict[str, Any], dict[str, Any], str]:
    """A schema whose combination of fields is on the scene's side, its answer and its text."""
    topic = scene.one((PERSON, PERSON, PRODUCT, EVENT))

    def make() -> tuple[list[tuple[Fact, Any]], dict[str, Any], dict[str, Any]]:
        rows = scene.rng.sample(topic, scene.rng.randint(1, 5))
        facts = [(fact, fact.make(scene)) for fact in rows]
        return (facts, *form(scene, facts))

    facts, schema, answer = scene.fresh(
        make, key=lambda made: "+".join(sorted(made[1]["properties"]))
    )
    scene.rng.shuffle(facts)
    join = "" if scene.zh else " "
    return schema, answer, join.join(sentence(scene, fact, value) for fact, value in facts)


def with_schema(scene: Scene) -> Chat:
    """A schema in the system message or the user's, a text, and its JSON."""
    schema, answer, text = filled(scene)
    order = scene.one(ORDER).format(s=dumps(schema))
    ask = scene.say(ASK, ASK_ZH).format(t=text)
    if scene.chance(0.8):
        lead = scene.one(
            (
                "",
                "",
                "You are a helpful assistant. ",
                "You are a helpful assistant.\n\n",
                "You are brook, a small language model.\n\n",
            )
        )
        scene.messages.append({"role": "system", "content": lead + order})
    else:
        ask = scene.one((f"{order}\n{ask}", f"{ask}\n{order}"))
    scene.turn(ask, dumps(answer), thoughts.fields(answer, scene.zh))
    return scene.done("json", schema=schema, answer=answer)


def listed(scene: Scene) -> Chat:
    """No schema: the user names the keys, and the answer is an object with just those."""
    _, answer, text = filled(scene)
    keys = ", ".join(answer)
    ask = scene.say(
        (
            "Give me JSON with the keys {k}: {t}",
            "Answer with a JSON object with the fields {k}. {t}",
            "As JSON with {k}: {t}",
        ),
        ("用 JSON 回答，字段是 {k}：{t}", "输出 JSON，包含 {k}：{t}"),
    )
    if scene.chance(0.5):
        scene.messages.append(
            {
                "role": "system",
                "content": scene.one(
                    ("Answer in JSON.", "You answer with JSON only.", "请用 JSON 回答。")
                ),
            }
        )
    scene.turn(ask.format(k=keys, t=text), dumps(answer), thoughts.fields(answer, scene.zh))
    return scene.done("json", answer=answer)


def some(scene: Scene) -> Chat:
    """One JSON conversation of either sort."""
    return (with_schema if scene.chance(0.85) else listed)(scene)
