"""Scenarios of long ago: fairy tale, dungeon, knight, sea, haunted house."""

from bot.language import mark
from bot.stories.scenarios.scenario import Scenario, lore, paragraphs

ONCE = (
    Scenario(
        name="fairytale",
        title=mark("The Glass Forest"),
        description=mark(
            "A fairy tale: a forest of glass, a witch who lost her name, three wishes"
        ),
        opening=paragraphs(
            "Once upon a time there was a forest in which all the trees were made of glass. By day "
            "it shone so brightly that nobody could look at it, and by night it rang like a "
            "thousand bells.",
            "You have come to its edge with nothing but a loaf of bread and your grandmother's "
            'lantern. Between the first two trees stands an old woman in a gray coat. "I am a '
            'witch," she says, "but I have lost my name in there. Bring it back to me, and you '
            'shall have three wishes."',
        ),
        memory="You are a young traveler in a fairy tale. An old witch has lost her name in the "
        "Glass Forest, and you have promised to find it. You carry a loaf of bread and a lantern.",
        note="a fairy tale in simple words, wonders are nothing unusual",
        lore=(
            lore("The lantern was your grandmother's. In its light, nobody can lie.", "lantern"),
            lore(
                "The stag has antlers of silver and answers each question with another one.",
                "stag",
                "deer",
            ),
            lore("The witch is kind as long as nobody guesses at her name.", "witch", "old woman"),
        ),
    ),
    Scenario(
        name="dungeon",
        title=mark("Under the Broken Tower"),
        description=mark(
            "A dungeon: stairs that go down, a door that counts, something that waits"
        ),
        opening=paragraphs(
            "The tower fell a hundred years ago, but its cellars are still there. You have found "
            "the stairs behind a curtain of ivy. They go down much deeper than any cellar should.",
            "At the bottom there is an iron door with nine keyholes, and eight of the keys are in "
            "it. Your torch has an hour left to burn. Behind the door, something is counting "
            'aloud, slowly, and it has just said "seven".',
        ),
        memory="You are a treasure hunter in the cellars under a ruined wizard's tower. You carry "
        "a torch, a rope, and a short sword. An iron door with nine keyholes blocks the way.",
        note="dark and dangerous, short vivid sentences",
        lore=(
            lore(
                "The ninth key hangs from the neck of the thing in the flooded room.",
                "key",
                "keyhole",
            ),
            lore(
                "The voice belongs to a brass machine that the wizard built to guard his gold. "
                "It opens the door at nine.",
                "voice",
                "counting",
                "machine",
            ),
        ),
    ),
    Scenario(
        name="knight",
        title=mark("The Knight Without a Horse"),
        description=mark("Knights and castles: a tournament tomorrow, and no horse to ride"),
        opening=paragraphs(
            "Tomorrow at noon the trumpets will call you into the ring, in front of the king and "
            "four hundred guests. You have a lance, a shield with your family's red heron, and "
            "armor that is almost your size. What you do not have, since last night, is a horse.",
            "You stand in the empty stable. In the straw lies a glove with a golden button. "
            "Outside, your squire pretends that he has not been crying.",
        ),
        memory="You are a poor young knight. Somebody stole your horse, Juniper, on the night "
        "before the king's tournament. Your squire is called Wat. You found a glove with a golden "
        "button.",
        note="adventurous, warm, a little funny",
        lore=(
            lore(
                "Only the Duke of Marrow and his sons wear gloves with golden buttons.",
                "glove",
                "button",
                "duke",
            ),
            lore(
                "Juniper is a stubborn gray mare who follows nobody but you.",
                "juniper",
                "horse",
                "mare",
            ),
        ),
    ),
    Scenario(
        name="sea",
        title=mark("The Drowned Bell"),
        description=mark("The sea: a small ship, a bell under the waves, a storm on its way"),
        opening=paragraphs(
            "The Marigold is a small ship, and you are its captain since the old one went over "
            "board in fair weather, with a smile on his face. Six sailors, one cook, and a cat. "
            "You have eleven days of water left.",
            "On the third night without wind, you hear a bell. It is not on the ship. It rings "
            "right below you, deep under the keel, and one after another your sailors come on deck "
            "to listen.",
        ),
        memory="You are the captain of the small sailing ship Marigold. The old captain jumped "
        "into the sea smiling. Deep under the water a bell is ringing. There are six sailors, a "
        "cook named Oona, and a cat.",
        note="the sea is beautiful and not to be trusted",
        lore=(
            lore(
                "Oona, the cook, is deaf in one ear and has sailed longer than anybody.",
                "oona",
                "cook",
            ),
            lore("Who listens to the bell for a whole night wants to go down to it.", "bell"),
        ),
    ),
    Scenario(
        name="manor",
        title=mark("Room Thirteen"),
        description=mark("A haunted house: one night, twelve rooms, thirteen doors"),
        opening=paragraphs(
            "You have inherited Harrow Manor from an aunt you had never heard of. The lawyer hands "
            'you the keys on the doorstep. "Twelve rooms," he says. "Stay for one night, and it '
            'is yours." He is in his car before you can answer.',
            "Inside, the candles are already lit. You count the doors in the long corridor, just "
            "to have something to do. You count them again. There are thirteen.",
        ),
        memory="You have to spend one night in Harrow Manor, a house that your unknown aunt left "
        "to you. It has twelve rooms and thirteen doors. The candles light themselves.",
        note="quiet horror, things are slightly wrong, nothing bloody",
        lore=(
            lore(
                "Aunt Cordelia's portrait looks in another direction each time it is passed.",
                "portrait",
                "cordelia",
                "aunt",
            ),
            lore(
                "Behind the thirteenth door there is always the room that one is most afraid of.",
                "thirteen",
                "thirteenth",
            ),
        ),
    ),
)
