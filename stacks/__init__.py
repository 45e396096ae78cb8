"""What is deployed: one stage for each environment, with a foundation and a customization stack."""
