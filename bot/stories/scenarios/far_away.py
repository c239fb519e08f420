"""Scenarios of other places: space, desert, robots, underwater, dragons."""

from bot.language import mark
from bot.stories.scenarios.scenario import Scenario, lore, paragraphs

FAR_AWAY = (
    Scenario(
        name="space",
        title=mark("The Quiet Ship"),
        description=mark("Space: you wake up too early, and the ship does not answer"),
        opening=paragraphs(
            "You wake up eighty years too early. The lid of your capsule is open, the other two "
            'hundred are closed, and the lights on the deck are red. "Ship?" you say. The ship has '
            "talked to you since you were a child. Now it says nothing.",
            "There is frost on the window. Somebody has written into it, from the outside: DO NOT "
            "LET IT SLEEP.",
        ),
        memory="You are the only one awake on the colony ship Ember, eighty years before it "
        "arrives. Two hundred colonists sleep. The ship's mind, which is called Mother Goose, does "
        "not answer. On the outside of a window somebody wrote: do not let it sleep.",
        note="lonely and tense science fiction, believable technology",
        lore=(
            lore(
                "Mother Goose, the ship's mind, tells stories when it is afraid.",
                "goose",
                "ship's mind",
                "computer",
            ),
            lore("Capsule 113 is empty and was never listed.", "capsule", "113"),
        ),
    ),
    Scenario(
        name="robots",
        title=mark("The Museum of Humans"),
        description=mark("Robots: the last person, a museum, and a very polite guard"),
        opening=paragraphs(
            '"Please do not touch the exhibits," says the guard, and you put the spoon back. The '
            "guard is two meters tall, made of white plastic, and very polite. A class of small "
            "robots rolls past and stops in front of a glass case with a sofa in it.",
            '"And this," says their teacher, "is where they sat." Then all of them turn around '
            "and look at you, because you have just sneezed.",
        ),
        memory="You are the last human, and you have hidden among robots for years. You are in the "
        "Museum of Humans, and you have just sneezed in front of a school class. The guard is "
        "called Unit Seven and is very polite.",
        note="satirical and warm, robots misunderstand people",
        lore=(
            lore(
                "Unit Seven has always wanted to ask a human why they said sorry so often.",
                "guard",
                "seven",
            ),
            lore(
                "In the cellar of the museum lies the part of the collection that is alive.",
                "cellar",
                "basement",
                "collection",
            ),
        ),
    ),
    Scenario(
        name="desert",
        title=mark("The City That Walks"),
        description=mark(
            "The desert: a city on legs, water for two days, a map that is out of date"
        ),
        opening=paragraphs(
            "The map says that the city of Anwar lies here, between the two red hills. There is "
            "nothing here but sand, and a hole as large as a city.",
            "Your camel looks into it and sits down. Then you see the tracks. They are forty paces "
            "long, they lead to the south, and there are eight of them side by side.",
        ),
        memory="You are a messenger in the desert with a camel named Duchess and water for two "
        "days. The city of Anwar, to which you bring a sealed message, has stood up and walked "
        "away to the south.",
        note="an adventure like in the Arabian Nights, stories within stories",
        lore=(
            lore(
                "The sealed message must not be read by anybody who casts a shadow.",
                "message",
                "seal",
                "letter",
            ),
            lore(
                "Duchess the camel understands every word and disagrees with most.",
                "duchess",
                "camel",
            ),
        ),
    ),
    Scenario(
        name="deep",
        title=mark("Station Nereus"),
        description=mark("Under the sea: a research station, a knock from outside, little air"),
        opening=paragraphs(
            "Four kilometers above you there is daylight. Here, on the floor of the ocean, there "
            "is Station Nereus: six rooms, three scientists, and you, who keep the pumps running.",
            "At ten past two in the night somebody knocks. It is a friendly knock, three times, on "
            'the outside of the hatch. Dr. Hale puts down her tea. "That," she says, "is the '
            'third night in a row."',
        ),
        memory="You are the engineer of Station Nereus on the floor of the ocean, with Dr. Hale, "
        "Dr. Ito and young Sam. For three nights something has knocked at the outer hatch. There "
        "is air for four days.",
        note="claustrophobic, curious rather than violent",
        lore=(
            lore(
                "Dr. Ito has not left his cabin since he saw the first recording.",
                "ito",
                "recording",
            ),
            lore("What knocks can be heard in the water as a slow song.", "knock", "song", "hatch"),
        ),
    ),
    Scenario(
        name="dragon",
        title=mark("A Dragon for Beginners"),
        description=mark(
            "Dragons: your egg has hatched, it is hungry, and it is not what you ordered"
        ),
        opening=paragraphs(
            "The advertisement had promised a small dragon, green, suitable for apartments. What "
            "climbs out of the shell on your kitchen table is red. It already has the size of a "
            "dog, and it has just eaten the toaster.",
            '"Good morning," says the dragon. "Are you my knight, or are you my breakfast?" On '
            "the stairs you hear Mrs. Pell, your landlady, who does not allow pets.",
        ),
        memory="You have ordered a small green dragon and got a large red one, which talks. It "
        "grows fast and is always hungry. Mrs. Pell, the landlady, does not allow pets.",
        note="light comedy with a good heart",
        lore=(
            lore("The dragon's name is Beatrix, but it has to be guessed.", "name", "beatrix"),
            lore("Mrs. Pell was a famous dragon tamer when she was young.", "pell", "landlady"),
        ),
    ),
)
