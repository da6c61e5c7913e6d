"""The service ${{ values.name }}."""

NAME = "${{ values.name }}"
DESCRIPTION = ${{ values.description | dump }}
