"""What the commands do, as functions: one file each. `import sweeps` offers them; nothing here prints or exits."""
