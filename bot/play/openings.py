"""First sentences for `/play imposter`, written for this project."""

OPENINGS = (
    "When the power came back, there was one more chair at the table than before.",
    "The letter had been addressed to me in my own handwriting.",
    "My grandmother kept the sea in a jar on the kitchen shelf.",
    "On the third day of the strike, the robots began to sing.",
    "Nobody in the village could remember who had built the ninth house.",
    "The detective looked at the fish, and the fish looked away.",
    "It was the last bus of the night, and the driver was asleep.",
    "The dragon had been in the waiting room since Tuesday.",
    "We found the door in the middle of the forest, with no wall around it.",
    "The mayor announced that from tomorrow on the moon would cost money.",
    "She had been a ghost for two hundred years before anybody said hello.",
    "The new teacher wrote one word on the board and left the room.",
    "All the clocks in the shop showed a different time, except for one.",
    "The astronaut opened the hatch and heard somebody knock from outside.",
)
