"""The science: labels, models and the three training stages. Knows nothing of studies, prices or figures."""
