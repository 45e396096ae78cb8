"""What is deployed: one stage for each environment, with a foundation, a customization and a datasets stack."""
