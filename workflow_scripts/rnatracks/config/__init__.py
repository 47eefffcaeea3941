"""What a user may say in the configuration."""
