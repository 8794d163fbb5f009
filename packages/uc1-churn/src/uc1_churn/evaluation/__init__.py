"""What a model is worth, alone and beside the champion."""
