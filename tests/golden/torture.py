"""Texts that break tokenizers, by what is hard about them. Used by `test_tokenizer_reference`."""

_SPACES = [
    "\t", "\n", "\v", "\f", "\r", " ", "\x85", "\xa0", "\u1680",
    *(chr(one) for one in range(0x2000, 0x200B)), "\u2028", "\u2029", "\u202f", "\u205f", "\u3000",
]  # fmt: skip
_NO_SPACES = ["\u180e", "\u200b", "\u2060", "\ufeff"]  # they look like it, and Unicode says no

TORTURE: dict[str, list[str]] = {
    "combining marks": [
        "e\u0301 Ångström cafe\u0301s",
        "\u0301 mark first, \u0301\u0302 twice",
        "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
        "a\u20dd 1\u20e3 \u20e3",
        "q\u0323\u0307 \u1e9b\u0323",
    ],
    "emoji": [
        "👩‍👩‍👧‍👦 and 👨🏿‍🚀👩🏽‍❤️‍💋‍👨🏻",
        "👍🏽👎🏻✌️❤️☎︎",
        "\u200d🦊\u200d \ufe0f \u200d\u200d",
        "1️⃣2️⃣#️⃣*️⃣",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    ],
    "flags": ["🇩🇪🇫🇷 🇩", "🇩🇪🇩 🇪🇩🇪🇩🇪x", "a🇺🇸b1🇺🇸2"],
    "right to left": [
        "\u05e9\u05dc\u05d5\u05dd עולם 123 \u05d1\u05b0\u05bc\u05e8\u05b5\u05d0\u05e9\u05c1",
        "مرحبا بالعالم ١٢٣ \u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f",
        "\u202eabc\u202c \u2066x\u2069 \u200f1\u200e",
        "ﷺ ﷽ ﻻ \u0640\u0640",
    ],
    "Hangul": [
        "안녕하세요 세계",
        "\u1112\u1161\u11ab\u1100\u1173\u11af",
        "\u1100 \u1161\u11a8 \u115f\u1160\u3164",
        "ㄱㄴㄷ ﾡﾢ",
    ],
    "Indic": [
        "नमस्ते दुनिया क्षत्रिय र्\u200dक",
        "বাংলা ক্ষ্ম ৩৪৫",
        "தமிழ் கௌ \u0bb8\u0bcd\u0bb0\u0bc0",
        "മലയാളം ക്‍ ൻ ൔ",
        "සිංහල ක්‍ෂ ॐ ௐ ৳ ॥",
    ],
    "South-East Asian": ["สวัสดีชาวโลก ก็ที่นี่ ๑๒๓", "ລາວ ໐໑", "မြန်မာ ၁၂", "ខ្មែរ ១២៣", "བོད་ཡིག ༡༢༳"],
    "East Asian": [
        "从前有一只小狐狸。日本語テキスト、ｶﾞｷﾞ ｶ\uff9e",
        "か\u3099 𠮷野家 葛󠄀",
        "全角ＡＢＣ１２３！",
        "一二三 〇 ㊀ ㍿ ㈱ 〡〢",
    ],
    "halves of surrogate pairs": ["a\ud83db", "\udc00", "\ud800 \udfff", "x\udc00\ud800y1\ud8001"],
    "control characters": [
        "\x00",
        "a\x00b \x00 \x00\x00",
        "".join(map(chr, range(33))),
        "\x7f\x80\x81\x9f \x1b[31mred\x1b[0m",
        "\x1c\x1d\x1e\x1f a\x1cb \x1f1",  # spaces to Python's str, not to Unicode
        "\xad\u0600\u06dd\u2061 \U000e0001\U000e007f",
    ],
    "byte order marks": ["\ufeffHello", "a\ufeff b\ufeff1 \ufeff", "\ufffe \ufeff\ufeff"],
    "every space": [f"a{one}b{one}{one}c {one}d{one} 1{one}!{one}'s{one}" for one in _SPACES],
    "no spaces": [f"a{one}b{one}{one}c {one}d{one} 1{one}!{one}'s{one}" for one in _NO_SPACES],
    "runs of spaces": [
        "a  b   c    d \t\n e\n\n\nf\r\n\r\ng",
        "   ",
        " \u3000 \xa0 x\u2003\u2003 \u20031",
        "\n \n \n",
        "tail  ",
    ],
    "no characters": [
        "\ufdd0\ufdef a\ufdd01",
        "\ufffe\uffff x\uffff",
        "\U0001fffe \U0002ffff",
        "\U0010fffe\U0010ffff 1\U0010ffff'll",
    ],
    "not assigned, private": ["\u0378a \u0379 1\u0378", "\U000e0fff", "\ue000 \uf8ff\U000f0000"],
    "very long": [
        "a" * 3_000,
        "ab" * 1_500,
        " " * 3_000 + "x",
        "\n" * 2_000,
        "9" * 3_000,
        "!?" * 1_000,
        "🦊" * 700,
        "e" + "\u0301" * 1_000,
        "word " * 1_000,
    ],
    "contractions": [
        "don't I'll we've you're I'm he's she'd",
        "DON'T I'LL WE'VE 'S 'Ll",
        "'s't're've'm'll'd 's 't 're",
        "don’t ’s ‘s",
        "''s '''ll 1's !'s x'ſ x'sx 'sé ' s",
        "rock'n'roll o'clock 'tis l'été d'd'd",
    ],
    "digits of other scripts": ["٠١٢٣٤٥٦٧٨٩ ۰۱۲", "०१२३ ০১২ ௧௨௩", "𝟘𝟙𝟚 𝟎𝟏 ０１２", "a٣b 3٣x"],
    "numbers that are no digits": [
        "ⅠⅡⅢ Ⅷx ⅷ ↀ Ⅷ's",
        "½ ⅓ 1½ x½ ⅞cup",
        "x² x₂ ①②⑳ ⒈ ⓪",
        "௰௱௲ 𐄇𐄈 𒐀 ፩፪ 𐌠",
        "万亿 〡〢〣 ㉈ 𝍠",
    ],
    "letters that are no words": ["ªº ǅ ʰʷ ˈ ﬀ ﬃ 𝕳𝖊𝖑𝖑𝖔 𐍈 ꙮ", "ⓐⒶ 🅰 ℵ ℃ Å Ω µ", "ߊߋ ⵣ ᏣᎳᎩ ᚠᛇᚻ"],
    "marks of the vocabulary": ["<|endoftext|>", "Ġ Ċ ĉ Ā ł Ġthe", "a<|endoftext|>b <|endoftext"],
    "plain": ["", " ", "Hello, world! 3.14159 (1,000,000) <html> https://x.y/z?a=1&b=%20 C:\\dir"],
}
