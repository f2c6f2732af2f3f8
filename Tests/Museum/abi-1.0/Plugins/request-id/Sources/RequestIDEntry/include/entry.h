/* Nothing to include: the entry is data that the host finds by name. */
