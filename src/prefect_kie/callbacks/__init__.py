"""Kie's callbacks: received, and waited for."""
