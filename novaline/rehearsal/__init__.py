"""Rehearsal: an embedded AWS with IAM enforced, and the whole life of an environment and a run inside of it.

Three rooms: the host (`emulator`, `server`, `ministack_host`, `integrations`, …) starts MiniStack and adds what it
lacks; the services (`sagemaker`, `bedrock`, with the stand-in `learner`) stand in for those that it has not; and the
session (`session`, `cdk`, `teardown`, …) plays bootstrap, deployment, run and destruction through. `proof` takes
permissions away.
"""
