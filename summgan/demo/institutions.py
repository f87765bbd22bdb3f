"""Names of well-known Chinese institutions and their abbreviations, as in the lecture's example.

`NAMES` are facts that anyone can check. `unpaired` separates names and abbreviations, so that a model sees
many of both but never a pair.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

_LIST = """
北京大学 北大  南京大学 南大  浙江大学 浙大  复旦大学 复旦  武汉大学 武大  山东大学 山大
四川大学 川大  中山大学 中大  吉林大学 吉大  南开大学 南开  天津大学 天大  厦门大学 厦大
台湾大学 台大  兰州大学 兰大  重庆大学 重大  云南大学 云大  湖南大学 湖大  河南大学 河大
安徽大学 安大  苏州大学 苏大  郑州大学 郑大  暨南大学 暨大  上海大学 上大  深圳大学 深大
广州大学 广大  贵州大学 贵大  新疆大学 新大  西藏大学 藏大  海南大学 海大  宁夏大学 宁大
广西大学 西大  福州大学 福大  黑龙江大学 黑大  辽宁大学 辽大  延边大学 延大  青海大学 青大
扬州大学 扬大  香港大学 港大  澳门大学 澳大  东南大学 东大  中国人民大学 人大  北京师范大学 北师大
华东师范大学 华东师大  南京师范大学 南师大  首都师范大学 首师大  陕西师范大学 陕师大
山东师范大学 山师大  湖南师范大学 湖南师大  华南师范大学 华南师大  福建师范大学 福师大
中国农业大学 农大  南京农业大学 南农  华中农业大学 华农  北京林业大学 北林  东北林业大学 东林
北京理工大学 北理工  华南理工大学 华工  大连理工大学 大工  南京理工大学 南理工  武汉理工大学 武理工
北京工业大学 北工大  哈尔滨工业大学 哈工大  西北工业大学 西工大  合肥工业大学 合工大
浙江工业大学 浙工大  北京科技大学 北科大  电子科技大学 电科大  中国科学技术大学 中科大
国防科技大学 国防科大  南方科技大学 南科大  上海交通大学 上海交大  西安交通大学 西安交大
北京交通大学 北京交大  西南交通大学 西南交大  上海财经大学 上财  中央财经大学 中财
西南财经大学 西财  东北财经大学 东财  江西财经大学 江财  北京外国语大学 北外  上海外国语大学 上外
四川外国语大学 川外  天津外国语大学 天外  西安外国语大学 西外  中国政法大学 法大  西南政法大学 西政
华东政法大学 华政  北京邮电大学 北邮  南京邮电大学 南邮  重庆邮电大学 重邮  北京体育大学 北体大
上海体育学院 上体  中央音乐学院 央音  上海音乐学院 上音  中央戏剧学院 中戏  上海戏剧学院 上戏
北京电影学院 北影  中国美术学院 国美  中央美术学院 央美  四川美术学院 川美  广州美术学院 广美
中国科学院 中科院  中国社会科学院 社科院  中国工程院 工程院  中国农业科学院 农科院
中国医学科学院 医科院  中央广播电视大学 电大  中央电视台 央视  中国银行 中行  中国工商银行 工行
中国农业银行 农行  中国建设银行 建行  交通银行 交行  招商银行 招行  民生银行 民行
中国石油化工集团 中石化  中国石油天然气集团 中石油  中国海洋石油总公司 中海油
中国移动通信集团 中移动  中国电信集团 中电信  国家电网公司 国网  南方电网公司 南网
中国铁路总公司 铁总  中国航天科技集团 航天科技  中国共产党 中共  中国国民党 国民党
中国民主同盟 民盟  中国民主建国会 民建  中国民主促进会 民进  九三学社 九三
中国共产主义青年团 共青团  中华全国总工会 全总  中华全国妇女联合会 妇联  中国科学技术协会 科协
中国作家协会 作协  中国文学艺术界联合会 文联  中国足球协会 足协  中国篮球协会 篮协
中国红十字会 红会  中国消费者协会 消协  全国人民代表大会 人大  人民政治协商会议 政协
中央军事委员会 军委  中央纪律检查委员会 中纪委  最高人民法院 最高法  最高人民检察院 最高检
国家发展改革委员会 发改委  国家卫生健康委员会 卫健委  国有资产监督管理委员会 国资委
中国证券监督管理委员会 证监会  外交部长 外长  国防部长 防长  财政部长 财长
人力资源社会保障部 人社部  住房城乡建设部 住建部  工业信息化部 工信部  国家税务总局 税总
国家广播电视总局 广电总局  国务院台湾事务办公室 国台办  国务院新闻办公室 国新办  公安局 公安
环境保护局 环保局  工商行政管理局 工商局  世界贸易组织 世贸  世界卫生组织 世卫
联合国教科文组织 教科文  国际货币基金组织 基金组织  国际奥林匹克委员会 国际奥委会
奥林匹克运动会 奥运会  亚洲运动会 亚运会  世界博览会 世博会  欧洲联盟 欧盟  非洲联盟 非盟
东南亚国家联盟 东盟  阿拉伯国家联盟 阿盟  北大西洋公约组织 北约  上海合作组织 上合
亚洲足球联合会 亚足联  国际足球联合会 国际足联  国际篮球联合会 国际篮联  中国足球超级联赛 中超
德国足球甲级联赛 德甲  英格兰足球超级联赛 英超  意大利足球甲级联赛 意甲  西班牙足球甲级联赛 西甲
法国足球甲级联赛 法甲  第一中学 一中  第二中学 二中  第三中学 三中  实验小学 实小  附属中学 附中
附属小学 附小  幼儿师范学校 幼师  人民医院 人医  中医医院 中医院  妇幼保健院 妇幼  协和医院 协和
高等学校 高校  高级中学 高中  初级中学 初中  家用电器 家电  彩色电视机 彩电  空气调节器 空调
超级市场 超市  地下铁道 地铁  高速铁路 高铁  高速公路 高速  公共交通 公交  出租汽车 出租
环境保护 环保  计划生育 计生  体育彩票 体彩  福利彩票 福彩  教育改革 教改  土地改革 土改
房屋改革 房改  医疗保险 医保  社会保险 社保  教学研究 教研  科学研究 科研  科学技术 科技
文化教育 文教  文化娱乐 文娱  政治法律 政法  财政经济 财经  邮政电信 邮电  体格检查 体检
"""

HELD_OUT = ("台湾大学", "北京大学", "厦门大学", "世界贸易组织", "奥林匹克运动会", "环境保护局")
"""Names that are kept for the test, so that their abbreviations are in neither pile."""

NAMES: dict[str, str] = dict(zip(_LIST.split()[::2], _LIST.split()[1::2], strict=True))
"""Abbreviation of each full name."""


@dataclass(frozen=True)
class Unpaired:
    """Two piles without a pair, and pairs for scoring.

    Attributes:
        documents: Full names.
        sentences: Abbreviations of other names.
        test: Pairs of full name and abbreviation that are in neither pile.
    """

    documents: list[str]
    sentences: list[str]
    test: list[tuple[str, str]]


def unpaired(seed: int = 0) -> Unpaired:
    """Separate names and abbreviations at random."""
    rng = random.Random(seed)
    names = [name for name in NAMES if name not in HELD_OUT]
    rng.shuffle(names)
    test = [*HELD_OUT, *names[:30]]
    taken = {NAMES[name] for name in test}
    half = (len(names) - 30) // 2 + 30
    return Unpaired(
        documents=names[30:half],
        sentences=[NAMES[name] for name in names[half:] if NAMES[name] not in taken],
        test=[(name, NAMES[name]) for name in test],
    )
