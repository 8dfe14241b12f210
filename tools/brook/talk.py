"""Small talk that remembers what it was told. Knows the tables' shape and not their words."""

from types import ModuleType

from . import names, talk_en, talk_zh, thoughts
from .scene import Scene, loosely

COLORS = {
    False: [
        "red",
        "green",
        "blue",
        "yellow",
        "white",
        "black",
        "orange",
        "purple",
        "brown",
        "pink",
    ],
    True: ["红色", "绿色", "蓝色", "黄色", "白色", "黑色", "橙色", "紫色", "棕色", "粉色"],
}
THINGS = {
    False: [
        "tea",
        "coffee",
        "music",
        "football",
        "chess",
        "apples",
        "books",
        "cats",
        "dogs",
        "swimming",
        "dancing",
        "bread",
        "rice",
        "films",
        "flowers",
        "painting",
        "cycling",
        "hiking",
        "noodles",
        "history",
    ],
    True: [
        "喝茶",
        "咖啡",
        "音乐",
        "足球",
        "下棋",
        "苹果",
        "看书",
        "猫",
        "狗",
        "游泳",
        "跳舞",
        "面包",
        "米饭",
        "电影",
        "花",
        "画画",
        "骑车",
        "爬山",
        "面条",
        "历史",
    ],
}


def book(scene: Scene) -> ModuleType:
    """The tables in the scene's language."""
    return talk_zh if scene.zh else talk_en


def chatter(scene: Scene) -> None:
    """One exchange from the tables."""
    topics = [topic for topic in book(scene).TABLE if topic != "bye"]
    asks, answers = book(scene).TABLE[scene.one(topics)]
    scene.turn(loosely(scene, scene.one(asks)), scene.one(answers))


def greet(scene: Scene) -> None:
    """Hello, and perhaps how-are-you after it."""
    asks, answers = book(scene).GREET
    scene.turn(scene.one(asks), scene.one(answers))


def bye(scene: Scene) -> None:
    """Goodbye, by name where the name is known."""
    asks, answers = book(scene).TABLE["bye"]
    answer = scene.one(answers)
    if scene.name and scene.chance(0.3):
        answer = f"再见，{scene.name}！" if scene.zh else f"Goodbye, {scene.name}!"
    scene.turn(scene.one(asks), answer)


def introduce(scene: Scene) -> None:
    """The user gives a name, and brook greets by it."""
    scene.name = names.person(scene)
    lines = book(scene)
    told = scene.one(lines.TOLD).format(n=scene.name)
    ask = loosely(scene, scene.one(lines.TELL).format(n=scene.name))
    scene.turn(ask, told, thoughts.named(scene.name, scene.zh))


def recall(scene: Scene) -> None:
    """The user asks for the name that was given, if one was."""
    lines = book(scene)
    answers = lines.RECALLED if scene.name else lines.UNKNOWN
    ask, answer = scene.one(lines.RECALL), scene.one(answers).format(n=scene.name)
    scene.turn(ask, answer, thoughts.named(scene.name, scene.zh))


def filler(scene: Scene, kind: str) -> str:
    """A thing of the kind that a fact is about."""
    if kind == "city":
        return names.city(scene)
    if kind == "name":
        return names.person(scene)
    if kind == "age":
        return str(scene.rng.randint(6, 99))
    return scene.one((COLORS if kind == "color" else THINGS)[scene.zh])


def facts(scene: Scene) -> None:
    """The user tells one or two things and asks for them again, perhaps after something else."""
    rows = scene.rng.sample(book(scene).FACT_TELL, scene.rng.randint(1, 2))
    known = [(row, filler(scene, row[4])) for row in rows]
    for row, x in known:
        scene.turn(row[0].format(x=x), row[1].format(x=x))
    if scene.chance(0.4):
        chatter(scene)
    scene.rng.shuffle(known)
    for row, x in known:
        scene.turn(row[2], row[3].format(x=x), thoughts.told(x, scene.zh))


def persona(scene: Scene) -> None:
    """A system message gives another name, and brook answers to it."""
    alias = names.person_en(scene)
    system = scene.say(
        (
            "You are {n}, a helpful assistant.",
            "Your name is {n}.",
            "You are {n}, a friendly robot.",
        ),
        ("你是{n}，一个有用的助手。", "你的名字是{n}。", "你叫{n}，是一个友好的助手。"),
    )
    scene.messages.append({"role": "system", "content": system.format(n=alias)})
    asks = book(scene).TABLE["who"][0]
    answer = scene.say(
        ("I am {n}. How can I help you?", "My name is {n}."),
        ("我是{n}。有什么可以帮你的吗？", "我叫{n}。"),
    )
    scene.turn(scene.one(asks), answer.format(n=alias))
