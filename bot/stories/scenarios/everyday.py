"""Scenarios of our days: detective, school, small town, heist, kitchen."""

from bot.language import mark
from bot.stories.scenarios.scenario import Scenario, lore, paragraphs

EVERYDAY = (
    Scenario(
        name="detective",
        title=mark("The Case of the Second Umbrella"),
        description=mark("A detective story: rain, a locked office, two umbrellas, one owner"),
        opening=paragraphs(
            'It had rained for nine days when she walked into your office. She was dry. "My '
            'husband is dead," she said and put an umbrella on your desk. "The police call it an '
            'accident. But this was found beside him, and he hated umbrellas."',
            "You pick it up. It is black, expensive, and the handle is carved like the head of a "
            "heron. You have seen one like it before. It is standing in the corner behind you.",
        ),
        memory="You are a private detective in a rainy city. Vera Lindt's husband Otto was found "
        "dead in his locked office, with a heron umbrella beside him. You own the same umbrella, a "
        "gift from your old partner, Max.",
        note="a hard-boiled detective story, dry humor, rain",
        lore=(
            lore(
                "Max, your former partner, left the city three years ago without a word.",
                "max",
                "partner",
            ),
            lore(
                "The heron umbrellas are made by a single shop near the harbor.",
                "umbrella",
                "heron",
                "shop",
            ),
            lore(
                "Otto Lindt was an accountant for people who should not have one.",
                "otto",
                "husband",
                "accountant",
            ),
        ),
    ),
    Scenario(
        name="school",
        title=mark("The Last Lesson of Mr. Abernathy"),
        description=mark("School: a vanished teacher, a message on the board, one hour until noon"),
        opening=paragraphs(
            "Mr. Abernathy has never been late in thirty-one years. So when the bell rings and his "
            "chair is empty, nobody dares to talk. On the board there is a single sentence in his "
            "neat handwriting: FIND ME BEFORE NOON, AND BRING THE KEY.",
            "Under your desk something is stuck with tape. It is a small brass key, and your name "
            "is scratched into it. The clock on the wall says five past eleven.",
        ),
        memory="You are a student at Northgate School. Your teacher, Mr. Abernathy, has vanished "
        "and left a message: find me before noon, and bring the key. The brass key with your name "
        "on it was under your desk. Your best friend is Pria.",
        note="a clever school mystery, friendly",
        lore=(
            lore("Pria is your best friend and can open any locker with a hairpin.", "pria"),
            lore(
                "The old observatory on the roof has been closed since a fire.",
                "roof",
                "observatory",
            ),
        ),
    ),
    Scenario(
        name="smalltown",
        title=mark("Nothing Ever Happens in Pinewater"),
        description=mark("A small town: all clocks stop at once, and only you notice"),
        opening=paragraphs(
            "Nothing ever happens in Pinewater. There is one diner, one gas station, and one "
            "police car, which is usually parked behind the diner. You deliver the mail.",
            "On Thursday morning, at exactly 9:14, everything stops. The waitress stands there "
            "with the coffee pot in her hand, and the coffee hangs in the air. A bird hangs above "
            "the street. Only you can still move, and, somewhere behind you, somebody is "
            "whistling.",
        ),
        memory="You deliver the mail in the small town of Pinewater. At 9:14 on a Thursday, time "
        "stopped for everybody but you and one whistling stranger. In your bag there is one letter "
        "without an address.",
        note="strange and gentle, a bit of small-town comedy",
        lore=(
            lore(
                "The letter without an address is warm, as if somebody had just held it.", "letter"
            ),
            lore(
                "The stranger wears a station master's cap, though Pinewater has no train.",
                "stranger",
                "whistling",
                "whistler",
            ),
        ),
    ),
    Scenario(
        name="heist",
        title=mark("Five Minutes to the Vault"),
        description=mark("A heist: a crew, a museum, a plan that has just gone wrong"),
        opening=paragraphs(
            "The plan was simple. In through the roof, down the elevator shaft, five minutes for "
            "the vault, out with the cleaning crew. You have practiced it for a month, with chalk "
            "lines on the floor of an empty warehouse.",
            "Now you hang on a rope above the great hall of the museum, and the voice in your ear "
            'says, "Don\'t panic. The vault is open already. Somebody is inside."',
        ),
        memory="You lead a crew of thieves: Dot (computers, the voice in your ear), Big Sal "
        "(drives the van), and Finch (opens safes). You are robbing the city museum at night, to "
        "steal back a painting. Somebody else is in the vault.",
        note="fast, clever, everybody has a plan of their own",
        lore=(
            lore("Dot has never been seen in person by anybody on the crew.", "dot", "voice"),
            lore("The painting was stolen from Finch's family in the war.", "painting", "finch"),
        ),
    ),
    Scenario(
        name="kitchen",
        title=mark("Dinner for the Moon"),
        description=mark("A cooking contest: one guest, seven courses, and the guest is the moon"),
        opening=paragraphs(
            "The letter came on silver paper. THE MOON WILL DINE WITH YOU ON FRIDAY. SEVEN "
            "COURSES. NO CHEESE, PLEASE. Your restaurant has four tables, one of them wobbly, and "
            "you have never had a guest who was not from around here.",
            "It is Friday. It is getting dark. Your only waiter has just quit, the soup is too "
            "salty, and a soft white light is coming up the stairs.",
        ),
        memory="You own a tiny restaurant. Tonight the moon is your only guest, and wants seven "
        "courses without cheese. Your waiter has quit. Your helper in the kitchen is your niece "
        "Lulu, who is nine.",
        note="whimsical comedy, food described with love",
        lore=(
            lore(
                "Lulu is nine, fearless, and adds sugar to everything when nobody looks.",
                "lulu",
                "niece",
            ),
            lore(
                "The moon speaks very quietly and is offended by any word about holes.",
                "moon",
                "guest",
            ),
        ),
    ),
)
