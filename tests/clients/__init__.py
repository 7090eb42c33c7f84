"""Programs of others, each with the configuration that the gateway prints for it."""
