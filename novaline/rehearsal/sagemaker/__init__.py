"""SageMaker training jobs for a rehearsal: the service, its jobs, and a container that trains a stand-in.

Requests are checked against botocore's own model, every access to data, keys, logs, metrics and images is made under
the request's execution role, and outputs lie where the real Nova containers put them. No Nova model is involved.
"""

from novaline.rehearsal.sagemaker.service import SageMaker

__all__ = ["SageMaker"]
