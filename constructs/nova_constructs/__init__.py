"""Novaline's CDK constructs: what an account needs to customize Amazon Nova models, one capability each.

They take flat values and references to other constructs, never an environment file, so that any CDK app can use them.
"""
