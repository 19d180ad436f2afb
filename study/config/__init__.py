"""The sweep file and its sections."""
