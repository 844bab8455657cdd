"""Place and route of a base: SiliconCompiler's OpenROAD tasks between our synthesis and our stream-out."""
