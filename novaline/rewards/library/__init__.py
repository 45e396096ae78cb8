"""The rewards of the library, one small module each; `novaline.rewards.kinds` has their names."""
