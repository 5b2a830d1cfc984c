"""The commands, a module each with the command as `command`; `group` finds them by name.

A module imports click and nothing that is slow; what its command needs is imported when it runs.
"""
