"""The two font files of the printed paper are cut out of one upstream font, the same bytes every time.

Usage: python tools/subset_fonts.py NotoSansSC-Regular.ttf app/paper/fonts

The source is any complete static TrueType build of Noto Sans SC Regular under the SIL Open Font License, for example
the one in the npm package `@expo-google-fonts/noto-sans-sc` (400Regular). The two results share no character:
`NotoSansSC-sub` holds what nearly every paper needs and stays small, because the small file is what makes a page fast;
`NotoSansSC-wide` holds every other Han character of the source, for rare names.
"""

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

# Signs of forms, doses and laboratory values outside GB 2312.
SIGNS = "℃℉μµ≤≥±×÷¥￥€£§°·•…—–‐‑“”‘’′″‰№™®©←↑→↓↔■□▲△●○★☆✓✗①②③④⑤⑥⑦⑧⑨⑩ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ㎎㎏㎜㎝㎡㏄㎖㎗㎍"
# Characters of names that are asked for more often than their place outside GB 2312 suggests.
NAME_CHARACTERS = (
    "䶮㛃㑇㙍㛚㬎㬚㭎㳇㳚㴋㶲㸆䏝䓖䓛䓨䗖䜣䝙䢺䲟䴓喆堃玥昇瑀珺婳翀祎晧赟烜垚燚淼焱犇骉羴鱻麤龘堯"
    "镕瑢琤玹珮琇瑄瑭翊昉昕昶晞晳暐暄朊栢桢梽楙椿槿樾沄沚沺泓洺浛浠涴淏淯湉湜溦滢漪潆澔澧炘炆炜炯"
    "烔焜煊煜熠璟璠璐璟瓘畯眬砚磊祐禛禾秾竑筠箐綦縯羿翎翙翚翛耔聿芃芊芮茜荻莜莳菡萱葳蒨蓁蔚蕙薇藜"
    "囍喬陞陳馬劉張黃"
)


def is_han(point: int) -> bool:
    """Whether a code point is a Han character, unified or compatibility."""
    return 0x3400 <= point <= 0x9FFF or 0xF900 <= point <= 0xFAFF or 0x20000 <= point <= 0x3FFFF


def gb2312() -> set[int]:
    """Every character of GB 2312, signs and letters included."""
    pairs = (bytes((row, cell)) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    return {ord(character) for pair in pairs for character in pair.decode("gb2312", "ignore")}


def everyday(held: set[int]) -> set[int]:
    """What the small file holds: GB 2312, Latin, Greek, box drawing, signs, and characters of names.

    The source carries Han characters beyond the basic plane almost only because the Table of General Standard Chinese
    Characters 通用规范汉字表 has them, many for names: all of them are taken.
    """
    ranges = (
        range(0x20, 0x180),
        range(0x391, 0x3CA),
        range(0x2500, 0x2580),
        range(0x3000, 0x3030),
        range(0xFF01, 0xFF5F),
    )
    wanted = gb2312() | {point for span in ranges for point in span} | {ord(c) for c in SIGNS + NAME_CHARACTERS}
    return held & (wanted | {point for point in held if point >= 0x20000})


def segmented_coverage(glyph_of: dict[int, str]) -> CmapSubtable:
    """The character map in format 12, the one format that app/paper/fonts.py reads."""
    table = CmapSubtable.newSubtable(12)
    table.platformID, table.platEncID, table.language, table.cmap = 3, 10, 0, glyph_of
    return table


def cut(source: Path, points: set[int], label: str, target: Path) -> None:
    """One TrueType file with these characters only: no layout tables, no hints, a family name of its own."""
    font = TTFont(source, recalcTimestamp=False)
    options = Options()
    options.layout_features = []
    options.hinting = False
    options.glyph_names = False
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "STAT", "vhea", "vmtx", "VORG", "DSIG", "gasp", "prep"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=points)
    subsetter.subset(font)
    if not any(table.format == 12 for table in font["cmap"].tables):
        font["cmap"].tables.append(segmented_coverage(font.getBestCmap()))
    names = {1: f"Noto Sans SC {label}", 3: f"NotoSansSC-{label}", 4: f"Noto Sans SC {label}", 6: f"NotoSansSC-{label}"}
    for name_id, text in names.items():
        font["name"].setName(text, name_id, 3, 1, 0x409)
    font.save(target)
    print(f"{target.name}: {len(font.getBestCmap())} characters, {target.stat().st_size:,} bytes")


def main() -> None:
    """Cuts both files from the source given on the command line."""
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    held = set(TTFont(source).getBestCmap())
    small = everyday(held)
    cut(source, small, "sub", folder / "NotoSansSC-sub-Regular.ttf")
    cut(source, {point for point in held - small if is_han(point)}, "wide", folder / "NotoSansSC-wide-Regular.ttf")


if __name__ == "__main__":
    main()
