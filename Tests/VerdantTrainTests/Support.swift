import Verdant
