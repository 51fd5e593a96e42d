"""The spec: models, loader, expressions, filters, dates."""
