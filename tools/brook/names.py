"""Names of people and places, invented from syllables or common ones. Knows no sentences."""
# ruff: noqa: E501, SIM905 - long lists of words read best as words

from .scene import Scene

COMMON = (
    "Anna Ben Clara David Emma Felix Grace Henry Ines Jack Kate Leo Maria Nina Oscar Paul Rosa Sam Tom "
    "Vera Will Alice Bob Carol Daniel Eva Frank Hanna Ivan Julia Karl Lena Max Nora Olga Peter Ruth "
    "Sara Tim Uma Victor Wendy Yusuf Zoe Amir Bella Chen Dora Erik Fatima Gita Hugo Ida Jonas Kenji "
    "Lily Mia Noah Omar Priya Ravi Sofia Tara Maya James John Mary Linda Mark Laura Alex Chris Lucy"
).split()
START = (
    "Ba Be Bo Bri Ca Ce Co Da De Do Dra E Fa Fe Fi Ga Ge Gra Ha He Ho I Ja Je Jo Ka Ke Ki Ko Kri La Le "
    "Li Lo Ma Me Mi Mo Na Ne Ni No O Pa Pe Pi Qui Ra Re Ri Ro Sa Se Si So Ste Ta Te Ti To Tri U Va Ve "
    "Vi Wa We Wi Xa Ya Yo Za Ze Zi A Al An Ar El Em Is Or Ul"
).split()
MIDDLE = (
    "ba be bi da de di do fa ga go ka ki la le li lo ma me mi mo na ne ni no ra re ri ro sa se si so "
    "ta te ti to va ve vi za zi ya lla nna rra tha sha"
).split()
END = (
    "n na ne nia r ra ran ris s sa sh t ta th l la lin lo lia m ma mir d da dan don k ka ko v va x y "
    "ya yn ric rin ton bel ley nor win"
).split()
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷"
GIVEN = (
    "明华丽军敏静强磊洋艳勇娟涛超霞平刚桂英芳伟秀兰玲建国文辉力鹏飞红梅玉婷雪慧倩琳佳欣怡悦晨阳宇轩浩然子涵"
    "梓萱一诺若曦思远志安宁乐天博雅诗雨梦瑶海波春生冬青松柏云龙凤山川小大光耀祥瑞福康健美珍珠晓东南西北新立成功"
    "家豪俊杰凯旋彤蕾薇莉莎娜嘉琪可心如意语嫣然清风岚峰岩毅恒睿哲昊天翔羽星月亮晴露霜"
)
CITIES = (
    "Paris London Berlin Madrid Rome Oslo Tokyo Cairo Lima Boston Chicago Toronto Sydney Delhi Vienna "
    "Prague Lisbon Dublin Athens Geneva Hamburg Kyoto Seoul Beijing Shanghai Denver Austin Seattle "
    "Naples Bergen Helsinki Warsaw Zurich Munich Porto Nairobi Lagos Quito Havana Dallas"
).split()
CITIES_ZH = (
    "北京 上海 广州 深圳 杭州 南京 成都 重庆 武汉 西安 天津 苏州 长沙 青岛 大连 厦门 昆明 沈阳 济南 郑州 "
    "福州 合肥 宁波 无锡 哈尔滨 长春 太原 兰州 南昌 贵阳 海口 拉萨 桂林 三亚 巴黎 伦敦 东京 纽约 柏林 罗马"
).split()
PLACE_END = "ton ville burg ford port dale stad mouth field haven by ham".split()
PLACE_END_ZH = "州 城 江 山 安 阳 海 川 镇 港".split()


def spelled(scene: Scene) -> str:
    """A made-up Latin name from single letters, for spellings that no syllable covers."""
    sounds = (
        ("b c d f g h j k l m n p r s t v w z st tr rg nk ll ch".split()),
        "a e i o u y ie ue ou".split(),
    )
    start = scene.rng.randint(0, 1)
    count = scene.rng.randint(3, 7)
    return "".join(scene.one(sounds[(start + i) % 2]) for i in range(count)).capitalize()


def invented(scene: Scene) -> str:
    """A made-up Latin name, mostly of two or three syllables."""
    if scene.chance(0.15):
        return spelled(scene)
    middle = scene.one(MIDDLE) if scene.chance(0.5) else ""
    return scene.one(START) + middle + scene.one(END)


def person_en(scene: Scene) -> str:
    """A first name that is on the scene's side of the split."""
    return scene.fresh(lambda: scene.one(COMMON) if scene.chance(0.3) else invented(scene))


def person_zh(scene: Scene) -> str:
    """A Chinese name: surname and one or two characters, or 小 and one; seldom any character."""

    def make() -> str:
        if scene.chance(0.2):
            return "小" + scene.one(GIVEN)
        second = scene.one(GIVEN) if scene.chance(0.6) else ""
        first = (
            chr(scene.rng.randint(0x4E00, 0x9FA5)) if scene.chance(0.05) else scene.one(SURNAMES)
        )
        return first + scene.one(GIVEN) + second

    return scene.fresh(make)


def person(scene: Scene) -> str:
    """A name as people of the scene's language have; now and then a Latin one in Chinese."""
    return person_zh(scene) if scene.zh and scene.chance(0.8) else person_en(scene)


def city(scene: Scene) -> str:
    """A place name, real or made up."""

    def make() -> str:
        if scene.zh:
            made = scene.one(GIVEN) + scene.one(PLACE_END_ZH)
            return scene.one(CITIES_ZH) if scene.chance(0.6) else made
        return scene.one(CITIES) if scene.chance(0.5) else scene.one(START) + scene.one(PLACE_END)

    return scene.fresh(make)
