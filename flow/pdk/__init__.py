"""PDK files on this machine: the installable kit, other providers, and the Magic tech adapter."""
