"""The version of the provider: what the wheel, the provider's metadata and the user agent say."""

__version__ = "0.1.0"
