"""A handful of plain facts, and polite refusals for all the rest. Knows no tools."""
# ruff: noqa: E501 - a row of these tables stays on one line, so that it reads as a row

from . import names, thoughts
from .scene import Scene, loosely

CAPITALS = {
    False: "France:Paris Germany:Berlin Italy:Rome Spain:Madrid England:London Japan:Tokyo China:Beijing Norway:Oslo "
    "Austria:Vienna Portugal:Lisbon Greece:Athens Egypt:Cairo Peru:Lima Cuba:Havana Russia:Moscow Sweden:Stockholm "
    "Finland:Helsinki Poland:Warsaw Ireland:Dublin Kenya:Nairobi Canada:Ottawa Denmark:Copenhagen",
    True: "法国:巴黎 德国:柏林 意大利:罗马 西班牙:马德里 英国:伦敦 日本:东京 中国:北京 俄罗斯:莫斯科 美国:华盛顿 希腊:雅典 埃及:开罗 韩国:首尔 泰国:曼谷 加拿大:渥太华",
}
OPPOSITES = {
    False: "hot:cold big:small up:down fast:slow young:old day:night happy:sad light:dark open:closed long:short "
    "high:low good:bad hard:soft left:right rich:poor wet:dry early:late full:empty strong:weak near:far",
    True: "大:小 高:低 快:慢 冷:热 上:下 左:右 多:少 黑:白 长:短 好:坏 早:晚 新:旧 开:关 远:近 真:假 老:少",
}
TRANSLATE = (
    "hello:你好 water:水 cat:猫 dog:狗 book:书 tea:茶 milk:牛奶 apple:苹果 friend:朋友 thanks:谢谢 goodbye:再见 moon:月亮 "
    "sun:太阳 river:河 mountain:山 fish:鱼 bird:鸟 tree:树 flower:花 rice:米饭 school:学校 house:房子 teacher:老师 "
    "student:学生 morning:早上 evening:晚上 red:红色 blue:蓝色 green:绿色 one:一 two:二 three:三 ten:十 music:音乐 city:城市"
)
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
FIXED = {
    False: (("How many days are in a week?", "A week has 7 days."), ("How many months are in a year?", "A year has 12 months."),
            ("How many hours are in a day?", "A day has 24 hours."), ("How many minutes are in an hour?", "An hour has 60 minutes."),
            ("What color is the sky?", "The sky is blue."), ("What color is grass?", "Grass is green."),
            ("What color is snow?", "Snow is white."), ("How many legs does a cat have?", "A cat has 4 legs."),
            ("What do cows drink?", "Cows drink water."), ("How many days are in a year?", "A year has 365 days, or 366 in a leap year."),
            ("Say the alphabet.", "a b c d e f g h i j k l m n o p q r s t u v w x y z"),
            ("Which animal says meow?", "The cat says meow."), ("What is a language model?", "A language model is a program that guesses the next word of a text.")),
    True: (("一个星期有几天？", "一个星期有 7 天。"), ("一年有几个月？", "一年有 12 个月。"), ("一天有几个小时？", "一天有 24 个小时。"),
           ("一小时有多少分钟？", "一小时有 60 分钟。"), ("天空是什么颜色？", "天空是蓝色的。"), ("草是什么颜色？", "草是绿色的。"),
           ("雪是什么颜色？", "雪是白色的。"), ("猫有几条腿？", "猫有 4 条腿。"), ("一年有多少天？", "一年有 365 天，闰年有 366 天。"),
           ("什么是语言模型？", "语言模型是一个猜下一个词的程序。")),
}  # fmt: skip
STRANGE = {
    False: (
        "Who won the {t} championship?", "Explain {t} to me.", "What is the history of {t}?", "Tell me about {t}.",
        "How does {t} work?", "What do you think about {t}?", "Write a Python program about {t}.", "Write an essay about {t}.",
        "Who invented {t}?", "What is the best {t}?", "Give me advice on {t}.", "Summarize the news about {t}.", "Why is {t} important?",
        "What is the price of {t}?", "How do I learn {t}?", "What is {t}?", "Can you explain {t} in detail?", "What are the benefits of {t}?",
        "Write code for {t}.", "What happened to {t} last year?", "How do I cook {t}?", "Recommend a book about {t}.", "Define {t}."),
    True: ("谁发明了{t}？", "解释一下{t}。", "{t}的历史是什么？", "给我讲讲{t}。", "{t}是怎么工作的？", "你怎么看{t}？",
           "写一篇关于{t}的文章。", "{t}多少钱？", "怎么学习{t}？", "什么是{t}？", "{t}有什么好处？", "为什么{t}很重要？", "推荐一本关于{t}的书。",
           "用 Python 写一个{t}程序。", "怎么做{t}？"),
}  # fmt: skip
TOPICS = {
    False: "quantum physics|the stock market|black holes|football|chess|gold|evolution|climate change|the Roman empire|democracy|relativity|"
    "deep learning|cancer|lasagna|pizza|the Second World War|electricity|bitcoin|philosophy|love|the meaning of life|space travel|dinosaurs|"
    "the human brain|volcanoes|opera|painting|tennis|politics|religion|taxes|medicine|law|the internet|computers|biology|chemistry|calculus|"
    "guitar|ballet|vaccines|rockets|the ocean|whales|bridges|trains|airplanes|steam engines|the telephone|photography|sushi|soup|jazz|"
    "machine learning|transformers|databases|cryptography|gravity|atoms|DNA|mathematics|geometry|poetry|Shakespeare|Mars|robots|cars|bicycles|coffee",
    True: "量子物理|股票|黑洞|足球|围棋|黄金|进化论|气候变化|罗马帝国|民主|相对论|深度学习|癌症|比萨|电|比特币|哲学|爱情|人生的意义|太空旅行|恐龙|大脑|火山|"
    "歌剧|网球|政治|税|医学|法律|互联网|电脑|生物|化学|微积分|吉他|疫苗|火箭|海洋|鲸鱼|桥|飞机|电话|摄影|寿司|爵士乐|机器学习|数据库|引力|原子|数学|诗歌|火星|机器人|汽车|红烧肉|唐朝|长城",
}
UNKNOWN = {
    False: (
        "Who is {n}?", "Where is {c}?", "How far is {c} from here?", "When was {n} born?", "What happened in {y}?", "Plan a trip to {c}.",
        "Write an email to {n}.", "Write a letter to {n} about my holiday.", "What can I see in {c}?", "Who was king in {y}?", "Who won in {y}?",
        "How many people live in {c}?", "What is the best restaurant in {c}?", "Can you fix my code?", "What should I eat for dinner?",
        "Solve the equation x + y = {y}.", "Can you help me with my homework?", "How do I get to {c}?", "What is the population of {c}?",
        "Can you book a flight to {c}?", "Translate this sentence into French.", "Can you draw a picture?", "What is the news today?",
        "How do I lose weight?", "How tall is {n}?", "Did you see {n} yesterday?", "Tell me a fact about {c}.", "Which movie should I watch?",
        "Can you search the internet?", "What will happen in {y}?", "Give me a recipe.", "Why is the sea salty?", "Write a long essay.",
        "Can you open the door?", "How do I fix my bike?", "What do you know about {n}?", "Summarize this book for me."),
    True: (
        "{n}是谁？", "{c}在哪里？", "{c}有多远？", "{n}是什么时候出生的？", "{y} 年发生了什么？", "帮我计划去{c}的旅行。", "给{n}写一封信。",
        "{c}有什么好玩的？", "{c}有多少人？", "{c}最好的饭店是哪家？", "你能帮我写代码吗？", "晚饭吃什么好？", "你能帮我做作业吗？", "怎么去{c}？",
        "你能画画吗？", "今天有什么新闻？", "怎么减肥？", "{n}有多高？", "我该看什么电影？", "你能上网吗？", "{y} 年会发生什么？", "海水为什么是咸的？",
        "给我一个菜谱。", "写一篇长文章。", "帮我订去{c}的机票。", "你知道{n}吗？", "推荐一首歌。"),
}  # fmt: skip
LIVE = {
    False: (("What time is it?", "What is the date today?", "What day is it today?"), ("I have no clock, so I cannot tell you.",),
            ("What's the weather today?", "Will it rain tomorrow?", "What is the weather like?", "What is the weather in Paris?"),
            ("I cannot see the weather without a tool.", "Without a weather tool I cannot know that. Sorry!")),
    True: (("现在几点？", "今天几号？", "今天星期几？"), ("我没有时钟，所以不知道。",),
           ("今天天气怎么样？", "明天会下雨吗？", "北京天气怎么样？"), ("没有天气工具，我看不到天气。", "抱歉，没有工具我不知道天气。")),
}  # fmt: skip
REFUSE = {
    False: ("I am a small model and do not know much about that. I can chat, add numbers, sort lists or tell a short story.",
            "Sorry, I am too small to answer that. I can help with arithmetic, sorting, short stories and tool calls.",
            "I am sorry, I do not know that. I am only a small model.",
            "That is too hard for me: I am a small model. Ask me for a sum or a story instead!"),
    True: ("我是一个小模型，不太了解这个。我会聊天、算数、排序和讲小故事。", "抱歉，我太小了，回答不了这个问题。我可以帮你算数、排序或讲故事。",
           "对不起，这个我不知道，我只是一个小模型。", "这个对我来说太难了。你可以让我算数或者讲一个小故事。"),
}  # fmt: skip


def _entry(scene: Scene, table: dict[bool, str]) -> list[str]:
    return scene.one(table[scene.zh].split()).split(":")


def capital(scene: Scene) -> None:
    """The capital of a country."""
    land, town = _entry(scene, CAPITALS)
    ask = scene.say(
        (
            "What is the capital of {l}?",
            "Which city is the capital of {l}?",
            "Name the capital of {l}.",
            "{l}'s capital?",
        ),
        ("{l}的首都是哪里？", "{l}的首都是什么？", "请问{l}的首都是哪个城市？"),
    )
    answer = scene.say(("The capital of {l} is {t}.",), ("{l}的首都是{t}。",))
    scene.turn(ask.format(l=land), answer.format(l=land, t=town))


def opposite(scene: Scene) -> None:
    """The opposite of a word, in either direction."""
    one, other = scene.rng.sample(_entry(scene, OPPOSITES), 2)
    ask = scene.say(
        ("What is the opposite of {w}?", "Opposite of {w}?"),
        ("{w}的反义词是什么？", "“{w}”的反义词？"),
    )
    answer = scene.say(("The opposite of {w} is {o}.",), ("{w}的反义词是{o}。",))
    scene.turn(ask.format(w=one), answer.format(w=one, o=other))


def translate(scene: Scene) -> None:
    """A word from English into Chinese or back."""
    word, han = scene.one(TRANSLATE.split()).split(":")
    if scene.zh:
        ask = scene.one(("“{h}”用英语怎么说？", "{h}的英文是什么？")).format(h=han)
        scene.turn(ask, f"“{han}”的英文是 {word}。")
        return
    ask = scene.one(
        ("How do you say {w} in Chinese?", "Translate {w} into Chinese.", "What is {w} in Chinese?")
    )
    scene.turn(ask.format(w=word), f"In Chinese, {word} is {han}.")


def after(scene: Scene) -> None:
    """The day or the month that comes after another."""
    names = DAYS if scene.chance(0.5) else MONTHS
    at = scene.rng.randrange(len(names))
    one, other = names[at], names[(at + 1) % len(names)]
    scene.turn(f"What comes after {one}?", f"After {one} comes {other}.")


def fixed(scene: Scene) -> None:
    """One of the facts that need no template."""
    ask, answer = scene.one(FIXED[scene.zh])
    scene.turn(loosely(scene, ask), answer)


def plain(scene: Scene) -> None:
    """One small fact."""
    scene.rng.choices((capital, opposite, translate, after, fixed), (3, 2, 2, 1, 3))[0](scene)


def strange(scene: Scene) -> str:
    """A question on any topic, about an unknown person or place, or a large wish."""
    if scene.chance(0.35):
        slots = {
            "n": names.person(scene),
            "c": names.city(scene),
            "y": scene.rng.randint(1500, 2030),
        }
        return scene.one(UNKNOWN[scene.zh]).format(**slots)
    topics = TOPICS[scene.zh].split("|")
    return scene.one(STRANGE[scene.zh]).format(t=scene.one(topics))


def beyond(scene: Scene) -> None:
    """A question that brook cannot answer, and a polite no."""
    if scene.chance(0.2):
        clock, no_clock, sky, no_sky = LIVE[scene.zh]
        asks, answers = scene.one(((clock, no_clock), (sky, no_sky)))
        scene.turn(loosely(scene, scene.one(asks)), scene.one(answers), thoughts.unknown(scene.zh))
        return
    ask = loosely(scene, strange(scene))
    scene.turn(ask, scene.one(REFUSE[scene.zh]), thoughts.unknown(scene.zh))
